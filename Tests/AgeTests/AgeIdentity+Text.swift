import Age

extension AgeIdentity {
    /// The private key as a text: of tests alone, since it cannot be wiped.
    var secretText: String { String(decoding: secretCharacters, as: UTF8.self) }
}
