internal import CLibCrypto

/// A SHA-512 value (FIPS 180-4), 64 bytes.
public struct SHA512Digest: Hashable, Sendable, CustomStringConvertible {
    public let bytes: [UInt8]

    public init(of data: [UInt8]) {
        bytes = [UInt8](unsafeUninitializedCapacity: 64) { digest, count in
            data.withUnsafeBufferPointer { _ = SHA512($0.baseAddress, $0.count, digest.baseAddress) }
            count = 64
        }
    }

    public var description: String { Hex.encode(bytes) }
}
