internal import Bytes
internal import CLibCrypto

// The only file of E2EE, with P256+Recovery.swift, that calls OpenSSL. Handles stay private to them, pointers never leave
// the `withUnsafe…` calls, and whatever is secret lives in `SecretBytes`. libcrypto's objects may be read from several
// threads at once, and are only read after their creation (openssl-threads(7)); that is what the `@unchecked Sendable`
// below rest on.

/// P-256 (FIPS 186-5, secp256r1): points as 65 bytes uncompressed, scalars as 32 bytes big-endian.
enum P256 {
    static let pointLength = 65
    static let coordinateLength = 32
    static let scalarLength = 32

    struct Group: @unchecked Sendable { let handle: OpaquePointer }
    static let group: Group = {
        guard let handle = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1) else {
            fatalError("libcrypto has no P-256")
        }
        return Group(handle: handle)
    }()

    static func isOnCurve(_ bytes: [UInt8]) -> Bool { withPoint(bytes) { _ in true } ?? false }

    /// d·G, or nil where d is not in 1…n−1.
    static func publicPoint(of scalar: SecretBytes) -> [UInt8]? {
        withScalar(scalar) { d in
            guard let product = EC_POINT_new(group.handle) else { return nil }
            defer { EC_POINT_free(product) }
            guard EC_POINT_mul(group.handle, product, d, nil, nil, nil) == 1 else { return nil }
            return uncompressed(product)
        } ?? nil
    }

    /// nil for the point at infinity, which has no coordinates.
    static func uncompressed(_ point: OpaquePointer?) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: pointLength)
        let written = EC_POINT_point2oct(group.handle, point, POINT_CONVERSION_UNCOMPRESSED, &bytes, pointLength, nil)
        return written == pointLength ? bytes : nil
    }

    /// The x coordinate (32 bytes) of scalar·point (SP 800-56A, 5.7.1.2), or nil for a point that is not on the curve.
    static func sharedX(scalar: SecretBytes, point: [UInt8]) -> SecretBytes? {
        withPoint(point) { point in
            withScalar(scalar) { d -> SecretBytes? in
                guard let product = EC_POINT_new(group.handle) else { return nil }
                defer { EC_POINT_clear_free(product) }
                guard let x = BN_secure_new() else { return nil }
                defer { BN_clear_free(x) }
                // For a single point libcrypto's P-256 multiplies in constant time (EC_POINT_mul(3)).
                guard EC_POINT_mul(group.handle, product, nil, point, d, nil) == 1,
                    EC_POINT_get_affine_coordinates(group.handle, product, x, nil, nil) == 1
                else { return nil }
                return SecretBytes(count: coordinateLength) {
                    _ = BN_bn2binpad(x, $0.baseAddress?.assumingMemoryBound(to: UInt8.self), Int32($0.count))
                }
            } ?? nil
        } ?? nil
    }

    static func generateScalar() -> SecretBytes {
        while true {
            let candidate = SecretBytes.random(scalarLength)
            if withScalar(candidate, { _ in true }) == true { return candidate }
        }
    }

    private static func withPoint<R>(_ bytes: [UInt8], _ body: (OpaquePointer) -> R) -> R? {
        guard bytes.count == pointLength, bytes[0] == 4, let point = EC_POINT_new(group.handle) else { return nil }
        defer { EC_POINT_free(point) }
        // EC_POINT_oct2point(3) itself refuses coordinates that are not on the curve.
        guard EC_POINT_oct2point(group.handle, point, bytes, bytes.count, nil) == 1 else { return nil }
        return body(point)
    }

    private static func withScalar<R>(_ scalar: SecretBytes, _ body: (OpaquePointer) -> R) -> R? {
        guard scalar.count == scalarLength, let d = BN_secure_new() else { return nil }
        defer { BN_clear_free(d) }
        guard scalar.withUnsafeBytes({ BN_bin2bn($0, Int32(scalarLength), d) }) != nil else { return nil }
        BN_set_flags(d, BN_FLG_CONSTTIME)
        guard BN_is_zero(d) == 0, BN_cmp(d, EC_GROUP_get0_order(group.handle)) < 0 else { return nil }
        return body(d)
    }
}

/// ECDSA over P-256 with SHA-256; signatures raw `r ‖ s`, 64 bytes (IEEE P1363).
final class ECDSAKey: @unchecked Sendable {
    static let signatureLength = 64
    private let handle: OpaquePointer

    /// The fixed part of a P-256 SubjectPublicKeyInfo (RFC 5480); the point follows.
    private static let publicHeader: [UInt8] =
        [0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01]
        + [0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00]

    /// A key that can only verify; nil for a point that is not on the curve.
    init?(point: [UInt8]) {
        guard P256.isOnCurve(point) else { return nil }
        let encoded = ECDSAKey.publicHeader + point
        let handle = encoded.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return d2i_PUBKEY(nil, &cursor, buffer.count)
        }
        guard let handle else { return nil }
        self.handle = handle
    }

    /// A key that can sign. `point` must be d·G.
    init?(scalar: SecretBytes, point: [UInt8]) {
        // ECPrivateKey (RFC 5915) with the curve's parameters named and the public key left out.
        let header: [UInt8] = [0x30, 0x31, 0x02, 0x01, 0x01, 0x04, 0x20]
        let trailer: [UInt8] = [0xA0, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07]
        let encoded = SecretBytes(count: header.count + P256.scalarLength + trailer.count) { buffer in
            scalar.withUnsafeBytes { secret in
                buffer.copyBytes(from: header)
                buffer.baseAddress?.advanced(by: header.count).copyMemory(from: secret, byteCount: P256.scalarLength)
                UnsafeMutableRawBufferPointer(rebasing: buffer[(header.count + P256.scalarLength)...])
                    .copyBytes(from: trailer)
            }
        }
        let handle = encoded.withUnsafeBytes { bytes -> OpaquePointer? in
            var cursor: UnsafePointer<UInt8>? = bytes
            return d2i_PrivateKey(EVP_PKEY_EC, nil, &cursor, encoded.count)
        }
        guard let handle else { return nil }
        self.handle = handle
    }

    deinit { EVP_PKEY_free(handle) }

    /// A context holds a reference of its own to the key, so that it may outlive this object.
    private func makeContext() -> OpaquePointer? { withExtendedLifetime(self) { EVP_PKEY_CTX_new(handle, nil) } }

    func isValid(signature: [UInt8], digest: [UInt8]) -> Bool {
        guard signature.count == ECDSAKey.signatureLength, let pair = ECDSA_SIG_new() else { return false }
        defer { ECDSA_SIG_free(pair) }
        let (r, s) = signature.withUnsafeBufferPointer {
            (BN_bin2bn($0.baseAddress, 32, nil), BN_bin2bn($0.baseAddress.map { $0 + 32 }, 32, nil))
        }
        guard ECDSA_SIG_set0(pair, r, s) == 1 else { return false }
        var der: UnsafeMutablePointer<UInt8>?
        let length = i2d_ECDSA_SIG(pair, &der)
        defer { CRYPTO_free(der, #file, #line) }
        guard length > 0, let context = makeContext() else { return false }
        defer { EVP_PKEY_CTX_free(context) }
        return EVP_PKEY_verify_init(context) == 1
            && EVP_PKEY_verify(context, der, Int(length), digest, digest.count) == 1
    }

    func sign(digest: [UInt8]) -> [UInt8]? {
        guard let context = makeContext() else { return nil }
        defer { EVP_PKEY_CTX_free(context) }
        var der = [UInt8](repeating: 0, count: 80)
        var length = der.count
        guard EVP_PKEY_sign_init(context) == 1, EVP_PKEY_sign(context, &der, &length, digest, digest.count) == 1
        else { return nil }
        let pair = der.withUnsafeBufferPointer { buffer in
            var cursor = buffer.baseAddress
            return d2i_ECDSA_SIG(nil, &cursor, length)
        }
        guard let pair else { return nil }
        defer { ECDSA_SIG_free(pair) }
        var raw = [UInt8](repeating: 0, count: ECDSAKey.signatureLength)
        let isPadded = raw.withUnsafeMutableBufferPointer { buffer in
            BN_bn2binpad(ECDSA_SIG_get0_r(pair), buffer.baseAddress, 32) == 32
                && BN_bn2binpad(ECDSA_SIG_get0_s(pair), buffer.baseAddress.map { $0 + 32 }, 32) == 32
        }
        return isPadded ? raw : nil
    }
}

/// AES-128 Key Wrap (RFC 3394) with the default initial value.
enum AESKeyWrap {
    static func wrap(_ key: SecretBytes, with kek: SecretBytes) -> [UInt8]? {
        var wrapped = [UInt8](repeating: 0, count: key.count + 8)
        let written = key.withUnsafeBytes { transform($0, key.count, kek, &wrapped, encrypting: 1) }
        return written == wrapped.count ? wrapped : nil
    }

    /// - Returns: nil where the integrity check fails or the length is not that of a wrapped key.
    static func unwrap(_ wrapped: [UInt8], with kek: SecretBytes) -> SecretBytes? {
        guard wrapped.count >= 24, wrapped.count.isMultiple(of: 8) else { return nil }
        var written = -1
        let key = SecretBytes(count: wrapped.count - 8) { room in
            // libcrypto may write a block more than it returns.
            withUnsafeTemporaryAllocation(of: UInt8.self, capacity: wrapped.count + 8) { buffer in
                written = transform(wrapped, wrapped.count, kek, buffer.baseAddress, encrypting: 0)
                room.copyBytes(from: UnsafeRawBufferPointer(buffer).prefix(room.count))
                OPENSSL_cleanse(buffer.baseAddress, buffer.count)
            }
        }
        return written == key.count ? key : nil
    }

    private static func transform(
        _ input: UnsafePointer<UInt8>, _ count: Int, _ kek: SecretBytes, _ output: UnsafeMutablePointer<UInt8>?,
        encrypting: Int32
    ) -> Int {
        guard kek.count == 16, let context = EVP_CIPHER_CTX_new() else { return -1 }
        defer { EVP_CIPHER_CTX_free(context) }
        EVP_CIPHER_CTX_set_flags(context, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW)
        let ready = kek.withUnsafeBytes { EVP_CipherInit_ex(context, EVP_aes_128_wrap(), nil, $0, nil, encrypting) }
        var written: Int32 = 0
        guard ready == 1, let length = Int32(exactly: count),
            EVP_CipherUpdate(context, output, &written, input, length) == 1
        else { return -1 }
        return Int(written)
    }
}

/// AES-128 in counter mode as WebCrypto runs it with `length: 64`: the counter is the low half of the block, and the
/// high half stays as it is when it overflows. libcrypto counts all 128 bits, so a text that crosses the overflow is
/// processed in two parts.
enum AESCounterMode {
    static func apply(key: SecretBytes, counterBlock: [UInt8], to text: [UInt8]) -> [UInt8] {
        precondition(key.count == 16 && counterBlock.count == 16)
        let low = counterBlock[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        let blocksBeforeOverflow = (~low).addingReportingOverflow(1)
        let limit = blocksBeforeOverflow.overflow ? Int.max : Int(clamping: blocksBeforeOverflow.partialValue)
        let firstCount = min(text.count, limit.multipliedReportingOverflow(by: 16).overflow ? Int.max : limit * 16)
        return [UInt8](unsafeUninitializedCapacity: text.count) { output, count in
            text.withUnsafeBufferPointer { input in
                run(key, counterBlock, input, 0..<firstCount, output)
                run(key, counterBlock[..<8] + [UInt8](repeating: 0, count: 8), input, firstCount..<text.count, output)
            }
            count = text.count
        }
    }

    private static func run(
        _ key: SecretBytes, _ counterBlock: [UInt8], _ input: UnsafeBufferPointer<UInt8>, _ range: Range<Int>,
        _ output: UnsafeMutableBufferPointer<UInt8>
    ) {
        guard !range.isEmpty, let from = input.baseAddress, let to = output.baseAddress else { return }
        let context = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(context) }
        let ready = key.withUnsafeBytes { EVP_EncryptInit_ex(context, EVP_aes_128_ctr(), nil, $0, counterBlock) }
        guard context != nil, ready == 1 else { fatalError("libcrypto's AES-CTR failed") }
        // EVP counts in 32 bits, so that a text as long as a JSON document may be goes in pieces.
        let piece = 1 << 30
        for start in stride(from: range.lowerBound, to: range.upperBound, by: piece) {
            var written: Int32 = 0
            let length = Int32(min(piece, range.upperBound - start))
            guard EVP_EncryptUpdate(context, to + start, &written, from + start, length) == 1, written == length
            else { fatalError("libcrypto's AES-CTR failed") }
        }
    }
}
