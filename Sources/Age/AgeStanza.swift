internal import Bytes

/// The X25519 recipient type (C2SP.org/age, "X25519 recipient stanza"): the file key, wrapped for one recipient.
struct AgeStanza: Sendable {
    static let type = "X25519"
    static let fileKeyLength = 16
    private static let bodyLength = fileKeyLength + ChunkCipher.tagLength
    private static let info = Array("age-encryption.org/v1/X25519".utf8)
    private static let nonce = [UInt8](repeating: 0, count: ChunkCipher.nonceLength)

    /// The ephemeral share: a point of 32 bytes.
    let share: [UInt8]
    /// The wrapped file key, 32 bytes.
    let body: [UInt8]

    /// Those of `stanzas` that are of this type; others are ignored, but a passphrase's must stand alone.
    static func all(in stanzas: [AgeHeader.Stanza]) throws(AgeError) -> [AgeStanza] {
        guard stanzas.count == 1 || !stanzas.contains(where: { $0.arguments[0] == "scrypt" }) else {
            throw .malformedHeader(.scryptNotAlone)
        }
        var result: [AgeStanza] = []
        for stanza in stanzas where stanza.arguments[0] == type {
            // The body's length is checked before anything is decrypted: a longer key could open with two identities.
            guard stanza.arguments.count == 2, let share = Base64.standardUnpadded.decode(stanza.arguments[1]),
                share.count == X25519.length, stanza.body.count == bodyLength
            else { throw .malformedHeader(.x25519Stanza) }
            result.append(AgeStanza(share: share, body: stanza.body))
        }
        return result
    }

    private init(share: [UInt8], body: [UInt8]) {
        self.share = share
        self.body = body
    }

    /// Wraps `fileKey` under an ephemeral secret of its own.
    init(wrapping fileKey: SecretBytes, to recipient: AgeRecipient) {
        let secret = SecretBytes.random(X25519.length)
        share = X25519.publicPoint(of: secret)
        guard let shared = X25519.shared(scalar: secret, point: recipient.point) else {
            preconditionFailure("a recipient is not of low order")
        }
        var cipher = ChunkCipher(key: AgeStanza.wrapKey(shared, share: share, recipient: recipient), .sealing)
        var room = [UInt8](repeating: 0, count: AgeStanza.bodyLength)
        room.withUnsafeMutableBytes { room in
            fileKey.withUnsafeBytes { room.baseAddress?.copyMemory(from: $0, byteCount: AgeStanza.fileKeyLength) }
            cipher.seal(room, AgeStanza.fileKeyLength, nonce: AgeStanza.nonce)
        }
        body = room
    }

    var stanza: AgeHeader.Stanza {
        AgeHeader.Stanza(arguments: [AgeStanza.type, Base64.standardUnpadded.encode(share)], body: body)
    }

    /// The file key, or nil where it is wrapped for someone else.
    func fileKey(_ identity: AgeIdentity) throws(AgeError) -> SecretBytes? {
        guard let shared = X25519.shared(scalar: identity.scalar, point: share) else {
            throw .malformedHeader(.lowOrderShare)
        }
        let key = AgeStanza.wrapKey(shared, share: share, recipient: identity.recipient)
        var cipher = ChunkCipher(key: key, .opening)
        var isOpened = false
        let fileKey = SecretBytes(count: AgeStanza.fileKeyLength) { room in
            body.withUnsafeBytes { isOpened = cipher.open($0[...], into: room.baseAddress, nonce: AgeStanza.nonce) }
        }
        return isOpened ? fileKey : nil
    }

    private static func wrapKey(_ shared: SecretBytes, share: [UInt8], recipient: AgeRecipient) -> SecretBytes {
        hkdfSHA256(secret: shared, salt: share + recipient.point, info: info, count: ChunkCipher.keyLength)
    }
}
