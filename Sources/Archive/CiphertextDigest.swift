internal import Bytes

/// Tells encrypted messages apart: the first 16 bytes of the SHA-256 of `iv`, `pubECDHE` and `encryptedData`. A signature's
/// own bytes are not in it, since there are two for each message (protocol, “What the signature covers”).
enum CiphertextDigest {
    /// - Parameter props: of a post.
    /// - Returns: nil where these hold no message, by the form of these three fields.
    static func of(_ props: JSONValue?) -> [UInt8]? {
        // Most posts have no props, and an empty message is longer than this.
        guard let props, props.range.count > 150 else { return nil }
        // An answer is read past the props of its posts.
        guard let payload = (try? JSONDocument(Array(props.bytes)).root)?["e2ee"],
            let vector = bytes(payload["iv"]), vector.count == 16,
            let point = bytes(payload["pubECDHE"]), point.count == 65, let data = bytes(payload["encryptedData"])
        else { return nil }
        return Array(SHA256Digest(of: vector + point + data).bytes.prefix(16))
    }

    private static func bytes(_ value: JSONValue?) -> [UInt8]? { value?.string.flatMap(Base64.standard.decode) }
}
