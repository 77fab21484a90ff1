internal import Bytes

/// Seals a file piece by piece, in constant memory: one chunk of 64 KiB, which is sealed where it stands.
///
///     var writer = AgeWriter(to: [recipient])
///     try writer.write(piece) { try file.write($0) }
///     try writer.finish { try file.write($0) }
///
/// Where `output` throws, the file is incomplete, and the writer ends the process if it is used on. A file that was not
/// finished does not open: its last chunk is missing.
public struct AgeWriter: ~Copyable, Sendable {
    /// The header and the nonce, until they are written.
    private var preamble: [UInt8]
    private var cipher: ChunkCipher
    private var buffer = ChunkBuffer(count: AgePayload.sealedChunkLength)
    /// How many bytes of text stand in `buffer`.
    private var filled = 0
    private var nonce = AgePayload.Nonce()
    private var hasFailed = false

    /// - Parameter recipients: Any one of them can open the file. At least one; each as often as it is named.
    public init(to recipients: [AgeRecipient]) {
        precondition(!recipients.isEmpty, "a file without recipients cannot be opened")
        let fileKey = SecretBytes.random(AgeStanza.fileKeyLength)
        let nonce = randomBytes(AgePayload.nonceLength)
        var header = AgeHeader(stanzas: recipients.map { AgeStanza(wrapping: fileKey, to: $0).stanza })
        header.authenticate(fileKey: fileKey)
        preamble = header.encoded + nonce
        cipher = ChunkCipher(key: AgePayload.key(fileKey: fileKey, nonce: nonce), .sealing)
    }

    /// Takes more of the text; `output` gets what is sealed so far, in order, and must write all of it.
    ///
    /// - Parameter output: Called any number of times, also not at all; the memory is valid only during the call.
    /// - Throws: Only what `output` throws.
    public mutating func write<Failure: Error>(
        _ text: UnsafeRawBufferPointer, _ output: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        var rest = text[...]
        while !rest.isEmpty {
            // A full chunk waits until there is more: the last one is sealed differently, and must not be empty.
            if filled == AgePayload.chunkLength { try flush(isLast: false, output) }
            let piece = rest.prefix(AgePayload.chunkLength - filled)
            buffer.withUnsafeMutableBytes {
                UnsafeMutableRawBufferPointer(rebasing: $0[filled...]).copyMemory(from: .init(rebasing: piece))
            }
            filled += piece.count
            rest = rest.dropFirst(piece.count)
        }
    }

    /// Seals the last chunk. An empty text has one, too.
    ///
    /// - Parameter output: As for `write`; called at least once.
    /// - Throws: Only what `output` throws.
    public consuming func finish<Failure: Error>(
        _ output: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try flush(isLast: true, output)
    }

    private mutating func flush<Failure: Error>(
        isLast: Bool, _ output: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        precondition(!hasFailed, "an age file whose output failed cannot be written on")
        if isLast { nonce.markLast() }
        let count = filled
        buffer.withUnsafeMutableBytes { cipher.seal($0, count, nonce: nonce.bytes) }
        nonce.advance()
        filled = 0
        hasFailed = true
        if !preamble.isEmpty {
            let preamble = preamble
            self.preamble = []
            try preamble.withUnsafeBufferPointer { (preamble) throws(Failure) in
                try output(UnsafeRawBufferPointer(preamble))
            }
        }
        try buffer.withUnsafeBytes { (sealed) throws(Failure) in
            try output(UnsafeRawBufferPointer(rebasing: sealed[..<(count + ChunkCipher.tagLength)]))
        }
        hasFailed = false
    }

    /// A whole file at once, for a text that is in memory anyway.
    public static func sealed(_ text: [UInt8], to recipients: [AgeRecipient]) -> [UInt8] {
        var writer = AgeWriter(to: recipients)
        var result: [UInt8] = []
        result.reserveCapacity(text.count + text.count / AgePayload.chunkLength * ChunkCipher.tagLength + 1024)
        text.withUnsafeBytes { writer.write($0) { result += $0 } }
        writer.finish { result += $0 }
        return result
    }
}
