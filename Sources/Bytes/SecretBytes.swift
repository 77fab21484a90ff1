internal import CLibCrypto

// Handles stay private to this file, pointers never leave the `withUnsafe…` calls. libcrypto's secure heap may be used
// from several threads at once (openssl-threads(7)), and the bytes are only read after their creation; that is what
// the `@unchecked Sendable` below rests on.

/// Key bytes in libcrypto's secure heap: locked into memory where the system allows it, wiped on release.
public final class SecretBytes: @unchecked Sendable {
    /// How many bytes these are.
    public let count: Int
    private let pointer: UnsafeMutableRawPointer

    /// 256 KiB hold some thousand keys; where the system forbids locking, libcrypto goes on without it.
    private static let isHeapReady = CRYPTO_secure_malloc_init(256 * 1024, 32) != 0

    /// `count` bytes that `fill` writes where they are kept; they are zero before. Ends the process where the heap is
    /// full: it is for keys, and not for texts.
    public init(count: Int, fill: (UnsafeMutableRawBufferPointer) -> Void) {
        _ = SecretBytes.isHeapReady
        guard let pointer = CRYPTO_secure_zalloc(max(count, 1), #file, #line) else {
            fatalError("no room left in the secure heap")
        }
        self.count = count
        self.pointer = pointer
        fill(UnsafeMutableRawBufferPointer(start: pointer, count: count))
    }

    /// A copy of `bytes`, which are the caller's to wipe.
    public convenience init(_ bytes: [UInt8]) {
        self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
    }

    /// `count` bytes from the generator that libcrypto keeps apart for secrets (RAND_priv_bytes(3)).
    public static func random(_ count: Int) -> SecretBytes {
        SecretBytes(count: count) {
            guard RAND_priv_bytes($0.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32($0.count)) == 1 else {
                fatalError("the system has no randomness")
            }
        }
    }

    deinit { CRYPTO_secure_clear_free(pointer, max(count, 1), #file, #line) }

    /// Calls `body` with the address of the `count` bytes; it is valid only during the call.
    public func withUnsafeBytes<R>(_ body: (UnsafePointer<UInt8>) -> R) -> R {
        // Not even the optimiser may release this object, and wipe the bytes, while `body` reads them.
        withExtendedLifetime(self) { body(UnsafePointer(pointer.assumingMemoryBound(to: UInt8.self))) }
    }

    /// The first `prefix` bytes of this secret's SHA-256 (FIPS 180-4); at most 32.
    public func sha256Prefix(_ prefix: Int) -> SecretBytes {
        SecretBytes(count: prefix) { result in
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
                withUnsafeBytes { _ = SHA256($0, count, digest.baseAddress) }
                result.copyBytes(from: UnsafeRawBufferPointer(digest).prefix(prefix))
                OPENSSL_cleanse(digest.baseAddress, 32)
            }
        }
    }
}

/// HKDF with SHA-256 (RFC 5869): `count` bytes that only who has `secret` can derive.
///
/// - Parameters:
///   - secret: The input keying material, at least one byte.
///   - salt: May be empty, which is the same as 32 zero bytes (section 2.2).
///   - info: What the result is for; may be empty.
///   - count: 1 to 8160 bytes, 255 times the hash's length (section 2.3).
public func hkdfSHA256(secret: SecretBytes, salt: [UInt8], info: [UInt8], count: Int) -> SecretBytes {
    precondition(secret.count > 0 && (1...255 * 32).contains(count), "HKDF-SHA256 has no such result")
    guard let context = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nil) else { fatalError("libcrypto has no HKDF") }
    defer { EVP_PKEY_CTX_free(context) }
    guard EVP_PKEY_derive_init(context) == 1, EVP_PKEY_CTX_set_hkdf_md(context, EVP_sha256()) == 1,
        secret.withUnsafeBytes({ EVP_PKEY_CTX_set1_hkdf_key(context, $0, Int32(secret.count)) }) == 1,
        salt.isEmpty || EVP_PKEY_CTX_set1_hkdf_salt(context, salt, Int32(salt.count)) == 1,
        info.isEmpty || EVP_PKEY_CTX_add1_hkdf_info(context, info, Int32(info.count)) == 1
    else { fatalError("libcrypto's HKDF failed") }
    return SecretBytes(count: count) {
        var written = $0.count
        guard EVP_PKEY_derive(context, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), &written) == 1,
            written == $0.count
        else { fatalError("libcrypto's HKDF failed") }
    }
}

/// `count` bytes from the system's generator (RAND_bytes(3)), for what will be public.
public func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { fatalError("the system has no randomness") }
    return bytes
}

/// Overwrites what was secret, for the few places where a secret passes through an array. Call it on the only reference:
/// where another is left, Swift would wipe a copy.
public func wipe(_ bytes: inout [UInt8]) { bytes.withUnsafeMutableBytes { wipe($0) } }

/// Overwrites what was secret in memory that is the caller's.
public func wipe(_ buffer: UnsafeMutableRawBufferPointer) { OPENSSL_cleanse(buffer.baseAddress, buffer.count) }
