internal import Bytes

/// How a payload is cut into sealed chunks (C2SP.org/age, "Payload").
enum AgePayload {
    static let nonceLength = 16
    static let chunkLength = 64 * 1024
    static let sealedChunkLength = chunkLength + ChunkCipher.tagLength

    /// payload key = HKDF-SHA-256(ikm = file key, salt = nonce, info = "payload").
    static func key(fileKey: SecretBytes, nonce: [UInt8]) -> SecretBytes {
        hkdfSHA256(secret: fileKey, salt: nonce, info: Array("payload".utf8), count: ChunkCipher.keyLength)
    }

    /// 11 bytes of a big-endian counter, and one that is 1 for the last chunk and 0 for all others.
    struct Nonce: Sendable {
        private(set) var bytes = [UInt8](repeating: 0, count: ChunkCipher.nonceLength)

        mutating func markLast() { bytes[11] = 1 }

        mutating func advance() {
            for place in (0..<11).reversed() {
                bytes[place] &+= 1
                if bytes[place] != 0 { return }
            }
            preconditionFailure("a payload has at most 2^88 chunks")
        }
    }

    /// How many chunks `sealedCount` bytes are.
    ///
    /// - Throws: `AgeError.payloadDamaged` where the last one has no room for a tag, or is empty but not the only one.
    static func chunkCount(_ sealedCount: Int) throws(AgeError) -> Int {
        let whole = sealedCount / sealedChunkLength
        switch sealedCount % sealedChunkLength {
        case 0 where whole > 0: return whole
        case ChunkCipher.tagLength where whole == 0: return 1
        case (ChunkCipher.tagLength + 1)...: return whole + 1
        default: throw .payloadDamaged(chunk: whole)
        }
    }
}
