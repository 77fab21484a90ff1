import Reader

/// Which OpenPGP key, and why not that one.
extension Failure {
    static func of(_ refusal: Gpg.KeyRefusal) -> Failure {
        switch refusal {
        case .unknown(let name, .encryption):
            Failure(
                .key, "gpg has no key for “\(SafeText.line(name))”",
                hint: "“gpg --list-keys” shows the keys that gpg has; import the recipient's first")
        case .unknown(let name, .signing):
            Failure(
                .key, "gpg has no secret key for “\(SafeText.line(name))”",
                hint: "“gpg --list-secret-keys” shows yours")
        case .inexact(let name, let keys):
            Failure(
                .key, "“\(SafeText.line(name))” does not name an OpenPGP key exactly",
                hint: "give a fingerprint, a whole e-mail address or a whole user id; gpg finds \(list(keys))")
        case .subkey(let name, let key):
            Failure(
                .key, "“\(SafeText.line(name))” is a subkey", hint: "name the key that it belongs to: \(words(key))")
        case .several(let name, let keys):
            Failure(
                .key, "several OpenPGP keys are called “\(SafeText.line(name))”",
                hint: "name one by its fingerprint: \(list(keys))")
        case .severalOwn(let keys):
            Failure(
                .key, "you have several OpenPGP keys that the private key could be encrypted to",
                hint: "“mmvault key restore” and “mmvault key backup” take one with --recipient: \(list(keys))")
        case .unusable(let key, let defect):
            Failure(
                .key, "the OpenPGP key \(words(key)) \(words(defect))",
                hint: "name another key; “gpg --list-keys \(key.fingerprint)” shows this one")
        case .notAlone(let key, .encryption):
            Failure(
                .key, "gpg would encrypt to others than \(words(key)), too",
                hint: "remove the lines “recipient” and “hidden-recipient” from gpg.conf")
        case .notAlone(let key, .signing):
            Failure(
                .key, "gpg would sign with other keys than \(words(key)), too",
                hint: "remove the lines “local-user” from gpg.conf")
        }
    }

    private static func words(_ defect: Gpg.Defect) -> String {
        switch defect {
        case .revoked: "was revoked"
        case .expired: "has expired"
        case .disabled: "is disabled"
        case .invalid: "is invalid"
        case .cannotEncrypt: "cannot encrypt"
        case .cannotSign: "cannot sign"
        }
    }

    private static func list(_ keys: [Gpg.Key]) -> String {
        let shown = keys.prefix(8).map(words)
        let rest = keys.count - shown.count
        return (shown + (rest > 0 ? ["and \(rest) more"] : [])).joined(separator: ", ")
    }

    private static func words(_ key: Gpg.Key) -> String { "\(key.fingerprint) (\(SafeText.line(key.userID)))" }
}

extension Gpg {
    /// The OpenPGP key that the user named to encrypt to.
    func recipient(named name: String) async throws -> Gpg.Key {
        try await key(named: name, for: .encryption) {
            Terminal.note("gpg has no key for “\(SafeText.line(name))”, and looks for one elsewhere")
        }
    }
}
