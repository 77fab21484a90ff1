internal import CLibCrypto

/// Hides what a temporary file holds: AES-256-CTR (NIST SP 800-38A, section 6.5) under a random key that is kept in locked
/// memory and written nowhere. Once this object is gone, nobody can read what was written.
///
/// For one file, each byte of which is written once: the same bytes at the same place would be hidden under the same
/// stream. It tells nothing about changes.
public final class EphemeralCipher: Sendable {
    private let key: SecretBytes

    public convenience init() { self.init(key: .random(32)) }

    /// - Parameter key: 32 bytes.
    init(key: SecretBytes) {
        precondition(key.count == 32, "an AES-256 key has 32 bytes")
        self.key = key
    }

    /// Hides bytes, or shows hidden ones, where they are.
    ///
    /// - Parameter position: where in the file they stand, in bytes.
    public func apply(to bytes: UnsafeMutableRawBufferPointer, at position: Int) {
        precondition(bytes.count <= Int(Int32.max) - 16, "more at once than libcrypto counts")
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return }
        // The counter block is the number of the block of 16 bytes, big-endian; what stands before the first byte in its
        // block is used up.
        var counter = [UInt8](repeating: 0, count: 16)
        withUnsafeBytes(of: UInt64(position / 16).bigEndian) { counter.replaceSubrange(8..., with: $0) }
        guard let context = EVP_CIPHER_CTX_new() else { fatalError("libcrypto has no cipher") }
        defer { EVP_CIPHER_CTX_free(context) }
        var unused = [UInt8](repeating: 0, count: 16)
        var written: Int32 = 0
        guard key.withUnsafeBytes({ EVP_EncryptInit_ex(context, EVP_aes_256_ctr(), nil, $0, counter) }) == 1,
            EVP_EncryptUpdate(context, &unused, &written, unused, Int32(position % 16)) == 1,
            EVP_EncryptUpdate(context, start, &written, start, Int32(bytes.count)) == 1, Int(written) == bytes.count
        else { fatalError("libcrypto's AES-CTR failed") }
        wipe(&unused)
    }
}
