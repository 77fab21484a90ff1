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
        let (header, end) = try AgeHeader.parse(bytes)
        let fileKey = try AgeFile.fileKey(of: try AgeStanza.all(in: header.stanzas), identities)
        guard header.isAuthentic(fileKey: fileKey) else { throw .headerMACWrong }
        guard bytes.count - end >= AgePayload.nonceLength else { throw .malformedHeader(.nonce) }
        start = end + AgePayload.nonceLength
        chunkCount = try AgePayload.chunkCount(bytes.count - start)
        plaintextCount = bytes.count - start - chunkCount * ChunkCipher.tagLength
        key = AgePayload.key(fileKey: fileKey, nonce: Array(bytes[end..<start]))
        self.bytes = bytes
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
