internal import Bytes
internal import CLibCrypto

// The only file of Age that calls OpenSSL. Handles and memory stay private to it and have one owner, pointers never
// leave the `withUnsafe…` calls, and whatever is secret lives in `SecretBytes` or is wiped on release. libcrypto lets
// an object wander between threads as long as one at a time uses it (openssl-threads(7)), which `~Copyable` sees to;
// that is what the `@unchecked Sendable` below rest on.

/// X25519 (RFC 7748, section 5): scalars and points as 32 bytes little-endian. Every 32 bytes are both.
enum X25519 {
    static let length = 32

    /// X25519(scalar, 9).
    static func publicPoint(of scalar: SecretBytes) -> [UInt8] {
        let key = privateKey(scalar)
        defer { EVP_PKEY_free(key) }
        var point = [UInt8](repeating: 0, count: length)
        var written = length
        guard EVP_PKEY_get_raw_public_key(key, &point, &written) == 1, written == length else {
            fatalError("libcrypto's X25519 failed")
        }
        return point
    }

    /// X25519(scalar, point), or nil where that is all zero: exactly for the points of low order (section 6.1).
    static func shared(scalar: SecretBytes, point: [UInt8]) -> SecretBytes? {
        precondition(point.count == length)
        let key = privateKey(scalar)
        defer { EVP_PKEY_free(key) }
        let peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nil, point, length)
        defer { EVP_PKEY_free(peer) }
        let context = EVP_PKEY_CTX_new(key, nil)
        defer { EVP_PKEY_CTX_free(context) }
        // The peer is not validated here: all that could be wrong with it shows in the result.
        guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_derive_set_peer_ex(context, peer, 0) == 1 else {
            fatalError("libcrypto's X25519 failed")
        }
        var isDerived = false
        let secret = SecretBytes(count: length) {
            var written = length
            let result = EVP_PKEY_derive(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), &written)
            // libcrypto itself refuses the zero, but does not document it; the test takes the same time for all others.
            isDerived = result == 1 && written == length && $0.reduce(0, |) != 0
        }
        return isDerived ? secret : nil
    }

    private static func privateKey(_ scalar: SecretBytes) -> OpaquePointer {
        precondition(scalar.count == length)
        let key = scalar.withUnsafeBytes { EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nil, $0, length) }
        guard let key else { fatalError("libcrypto has no X25519") }
        return key
    }
}

/// ChaCha20-Poly1305 (RFC 8439) without additional data, under one key: the context is set up once for all chunks.
struct ChunkCipher: ~Copyable, @unchecked Sendable {
    static let keyLength = 32
    static let nonceLength = 12
    static let tagLength = 16

    enum Direction: Int32 {
        case opening = 0
        case sealing = 1
    }

    private let context: OpaquePointer

    init(key: SecretBytes, _ direction: Direction) {
        precondition(key.count == ChunkCipher.keyLength)
        guard let context = EVP_CIPHER_CTX_new(),
            key.withUnsafeBytes({
                EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), nil, $0, nil, direction.rawValue)
            }) == 1
        else { fatalError("libcrypto has no ChaCha20-Poly1305") }
        self.context = context
    }

    deinit { EVP_CIPHER_CTX_free(context) }

    /// Seals the first `count` bytes of `chunk` where they are, and writes the tag behind them.
    mutating func seal(_ chunk: UnsafeMutableRawBufferPointer, _ count: Int, nonce: [UInt8]) {
        precondition(chunk.count >= count + ChunkCipher.tagLength)
        guard begin(nonce), run(UnsafeRawBufferPointer(chunk)[..<count], into: chunk.baseAddress),
            EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_GET_TAG, Int32(ChunkCipher.tagLength), chunk.baseAddress.map { $0 + count }) == 1
        else { fatalError("libcrypto's ChaCha20-Poly1305 failed") }
    }

    /// Opens `sealed`, text and tag, into `text`, which is as much shorter as a tag is long.
    ///
    /// - Returns: Whether the tag is right. Where it is not, what stands in `text` must be wiped.
    mutating func open(
        _ sealed: Slice<UnsafeRawBufferPointer>, into text: UnsafeMutableRawPointer?, nonce: [UInt8]
    ) -> Bool {
        precondition(sealed.count >= ChunkCipher.tagLength)
        let count = sealed.count - ChunkCipher.tagLength
        // libcrypto copies the tag and does not write to it, whatever its signature says.
        let tag = UnsafeRawBufferPointer(rebasing: sealed.dropFirst(count)).baseAddress
        return begin(nonce)
            && EVP_CIPHER_CTX_ctrl(
                context, EVP_CTRL_AEAD_SET_TAG, Int32(ChunkCipher.tagLength), UnsafeMutableRawPointer(mutating: tag))
                == 1
            && run(sealed.prefix(count), into: text)
    }

    private func begin(_ nonce: [UInt8]) -> Bool {
        precondition(nonce.count == ChunkCipher.nonceLength)
        return EVP_CipherInit_ex(context, nil, nil, nil, nonce, -1) == 1
    }

    private func run(_ input: Slice<UnsafeRawBufferPointer>, into output: UnsafeMutableRawPointer?) -> Bool {
        var written: Int32 = 0
        let from = UnsafeRawBufferPointer(rebasing: input).bindMemory(to: UInt8.self).baseAddress
        let to = output?.assumingMemoryBound(to: UInt8.self)
        // To libcrypto an update without an address is something else than one of no bytes.
        guard input.isEmpty || EVP_CipherUpdate(context, to, &written, from, Int32(input.count)) == 1,
            written == input.count
        else { return false }
        // The end of a stream cipher writes nothing, and gets no room to.
        var nothing: UInt8 = 0
        return EVP_CipherFinal_ex(context, &nothing, &written) == 1
    }
}

/// Room for one chunk's text, wiped on release.
struct ChunkBuffer: ~Copyable, @unchecked Sendable {
    private let memory: UnsafeMutableRawBufferPointer

    init(count: Int) { memory = .allocate(byteCount: count, alignment: 64) }

    deinit {
        wipe(memory)
        memory.deallocate()
    }

    mutating func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R { body(memory) }

    func withUnsafeBytes<Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
    ) throws(Failure) {
        try body(UnsafeRawBufferPointer(memory))
    }
}

/// HMAC-SHA-256 (RFC 2104), 32 bytes.
func hmacSHA256(key: SecretBytes, _ message: ArraySlice<UInt8>) -> [UInt8] {
    var mac = [UInt8](repeating: 0, count: 32)
    let result = message.withUnsafeBufferPointer { message in
        key.withUnsafeBytes { HMAC(EVP_sha256(), $0, Int32(key.count), message.baseAddress, message.count, &mac, nil) }
    }
    guard result != nil else { fatalError("libcrypto's HMAC failed") }
    return mac
}

/// Whether both are the same, in a time that does not tell where they differ (CRYPTO_memcmp(3)).
func isEqual(_ one: [UInt8], _ other: [UInt8]) -> Bool {
    one.count == other.count && CRYPTO_memcmp(one, other, one.count) == 0
}
