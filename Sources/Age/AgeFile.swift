internal import Bytes

/// A sealed file in memory, whose header is authentic: an identity opened its file key, and the MAC is right.
///
///     let file = try AgeFile(sealed, identities: [identity])
///     let text = try file.decrypted()
public struct AgeFile: Sendable {
    /// How many bytes the plaintext has, as the file's length tells; only `decrypt` shows that they are all there.
    public let plaintextCount: Int

    private let bytes: [UInt8]
    /// Where the first chunk begins.
    private let start: Int
    private let chunkCount: Int
    private let key: SecretBytes

    /// Parses the header, unwraps the file key with the first identity that can, and checks the header's MAC.
    ///
    /// - Parameters:
    ///   - bytes: The whole file, binary. They are kept, not copied.
    ///   - identities: Tried in order on every X25519 stanza.
    /// - Throws: `AgeError`; `payloadDamaged` only for a length that no payload has.
    public init(_ bytes: [UInt8], identities: [AgeIdentity]) throws(AgeError) {
        (key, start) = try AgeFile.key(bytes, identities)
        chunkCount = try AgePayload.chunkCount(bytes.count - start)
        plaintextCount = bytes.count - start - chunkCount * ChunkCipher.tagLength
        self.bytes = bytes
    }

    /// - Parameter bytes: the file's beginning, with all of its header.
    /// - Returns: the payload's key, and where its first chunk begins.
    private static func key(
        _ bytes: [UInt8], _ identities: [AgeIdentity]
    ) throws(AgeError) -> (key: SecretBytes, start: Int) {
        let (header, end) = try AgeHeader.parse(bytes)
        let fileKey = try AgeFile.fileKey(of: try AgeStanza.all(in: header.stanzas), identities)
        guard header.isAuthentic(fileKey: fileKey) else { throw .headerMACWrong }
        guard bytes.count - end >= AgePayload.nonceLength else { throw .malformedHeader(.nonce) }
        let start = end + AgePayload.nonceLength
        return (AgePayload.key(fileKey: fileKey, nonce: Array(bytes[end..<start])), start)
    }

    private static func fileKey(
        of stanzas: [AgeStanza], _ identities: [AgeIdentity]
    ) throws(AgeError) -> SecretBytes {
        for identity in identities {
            for stanza in stanzas {
                if let key = try stanza.fileKey(identity) { return key }
            }
        }
        throw .noIdentityMatches
    }

    /// Decrypts chunk by chunk straight into `buffer`, without a second copy of the text.
    ///
    /// - Parameter buffer: Exactly `plaintextCount` bytes, the caller's to wipe afterwards.
    /// - Throws: `AgeError.payloadDamaged`; all of `buffer` is wiped then; nothing that stood in it may be believed.
    public func decrypt(into buffer: UnsafeMutableRawBufferPointer) throws(AgeError) {
        precondition(buffer.count == plaintextCount, "the buffer must have plaintextCount bytes")
        let damaged = bytes.withUnsafeBytes { firstDamagedChunk($0.dropFirst(start), into: buffer) }
        guard let damaged else { return }
        wipe(buffer)
        throw .payloadDamaged(chunk: damaged)
    }

    private func firstDamagedChunk(
        _ sealed: Slice<UnsafeRawBufferPointer>, into buffer: UnsafeMutableRawBufferPointer
    ) -> Int? {
        var cipher = ChunkCipher(key: key, .opening)
        var nonce = AgePayload.Nonce()
        var rest = sealed
        for chunk in 0..<chunkCount {
            if chunk == chunkCount - 1 { nonce.markLast() }
            let isOpened = cipher.open(
                rest.prefix(AgePayload.sealedChunkLength),
                into: buffer.baseAddress.map { $0 + chunk * AgePayload.chunkLength },
                nonce: nonce.bytes)
            guard isOpened else { return chunk }
            nonce.advance()
            rest = rest.dropFirst(AgePayload.sealedChunkLength)
        }
        return nil
    }

    /// The whole plaintext, the caller's to wipe.
    ///
    /// - Throws: `AgeError.payloadDamaged`, as `decrypt`.
    public func decrypted() throws(AgeError) -> [UInt8] {
        var failure: AgeError?
        let text = [UInt8](unsafeUninitializedCapacity: plaintextCount) { room, count in
            let exact = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[..<plaintextCount])
            do throws(AgeError) {
                try decrypt(into: exact)
                count = plaintextCount
            } catch { failure = error }
        }
        if let failure { throw failure }
        return text
    }
}

extension AgeFile {
    /// A header has some hundred bytes for each recipient.
    private static let longestHeader = 1 << 20

    /// Decrypts a file of any size, a chunk at a time. Only the end shows that all of the text came: where this throws, what
    /// `output` got is worth nothing.
    ///
    /// - Parameters:
    ///   - size: of the sealed file, in bytes.
    ///   - read: gives the bytes of a range of it; fewer count as damage.
    /// - Throws: `AgeError`, and what `read` and `output` throw.
    public static func decrypt(
        size: Int, identities: [AgeIdentity], read: (Range<Int>) throws -> [UInt8],
        _ output: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let (key, first) = try key(try read(0..<min(size, longestHeader)), identities)
        let chunks = try AgePayload.chunkCount(size - first)
        var cipher = ChunkCipher(key: key, .opening)
        var nonce = AgePayload.Nonce()
        var text = ChunkBuffer(count: AgePayload.chunkLength)
        for chunk in 0..<chunks {
            let start = first + chunk * AgePayload.sealedChunkLength
            let sealed = try read(start..<min(start + AgePayload.sealedChunkLength, size))
            if chunk == chunks - 1 { nonce.markLast() }
            let count = sealed.count - ChunkCipher.tagLength
            let isOpened = sealed.withUnsafeBytes { sealed in
                count >= 0
                    && text.withUnsafeMutableBytes {
                        cipher.open(sealed[...], into: $0.baseAddress, nonce: nonce.bytes)
                    }
            }
            guard isOpened else { throw AgeError.payloadDamaged(chunk: chunk) }
            try text.withUnsafeBytes { try output(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            nonce.advance()
        }
    }
}
