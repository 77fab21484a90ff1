internal import CLibCrypto

/// A SHA-256 value (FIPS 180-4), 32 bytes.
public struct SHA256Digest: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    public static let byteCount = 32

    public init(of data: [UInt8]) { self.init(of: data[...]) }

    public init(of data: ArraySlice<UInt8>) {
        bytes = [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { digest, count in
            data.withUnsafeBufferPointer { _ = SHA256($0.baseAddress, $0.count, digest.baseAddress) }
            count = SHA256Digest.byteCount
        }
    }

    /// - Returns: nil where `bytes` are not 32.
    public init?(bytes: [UInt8]) {
        guard bytes.count == SHA256Digest.byteCount else { return nil }
        self.bytes = bytes
    }

    public var description: String { Hex.encode(bytes) }
}

/// SHA-256 of data that comes in pieces.
public struct SHA256Stream: ~Copyable {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new(), EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
            fatalError("libcrypto has no SHA-256")
        }
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    public mutating func update(_ data: [UInt8]) { data.withUnsafeBytes { update($0) } }

    public mutating func update(_ data: UnsafeRawBufferPointer) {
        _ = EVP_DigestUpdate(context, data.baseAddress, data.count)
    }

    /// The hash of what has come so far; more may follow.
    public func current() -> SHA256Digest {
        guard let copy = EVP_MD_CTX_new(), EVP_MD_CTX_copy_ex(copy, context) == 1 else {
            fatalError("libcrypto cannot copy a SHA-256")
        }
        return SHA256Stream(copy).finalize()
    }

    private init(_ context: OpaquePointer) { self.context = context }

    public consuming func finalize() -> SHA256Digest {
        let bytes = [UInt8](unsafeUninitializedCapacity: SHA256Digest.byteCount) { digest, count in
            EVP_DigestFinal_ex(context, digest.baseAddress, nil)
            count = SHA256Digest.byteCount
        }
        guard let digest = SHA256Digest(bytes: bytes) else { fatalError("SHA-256 is 32 bytes") }
        return digest
    }
}
