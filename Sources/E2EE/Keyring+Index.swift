public import Bytes

extension Keyring {
    /// The secret to which an index of what these keys open is sealed, 32 bytes: HKDF-SHA256 (RFC 5869) without a salt
    /// over the private numbers of all of them, `encr` before `sign`, in the order of the keys' ids. Only who has all of
    /// the keys can tell it, so that no key opens more by way of an index than by itself; nil without a key.
    public var indexSecret: SecretBytes? {
        guard !isEmpty else { return nil }
        let scalars = ids.compactMap { self[$0] }.flatMap { [$0.encryptionScalar, $0.signingScalar] }
        let material = SecretBytes(count: scalars.count * P256.scalarLength) { room in
            for (place, scalar) in scalars.enumerated() {
                scalar.withUnsafeBytes {
                    UnsafeMutableRawBufferPointer(rebasing: room[(place * P256.scalarLength)...])
                        .copyMemory(from: UnsafeRawBufferPointer(start: $0, count: P256.scalarLength))
                }
            }
        }
        return hkdfSHA256(secret: material, salt: [], info: Array("mmvault search index v1".utf8), count: 32)
    }
}
