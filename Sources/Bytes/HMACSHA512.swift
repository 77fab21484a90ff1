internal import CLibCrypto

/// HMAC-SHA-512 (RFC 2104, FIPS 180-4) of data that comes in pieces.
public struct HMACSHA512: ~Copyable {
    private let context: OpaquePointer

    public init(key: SecretBytes) {
        guard let mac = EVP_MAC_fetch(nil, "HMAC", nil), let context = EVP_MAC_CTX_new(mac) else {
            fatalError("libcrypto has no HMAC")
        }
        // The context holds a reference of its own.
        EVP_MAC_free(mac)
        self.context = context
        var name = Array("SHA2-512".utf8CString)
        let isReady = name.withUnsafeMutableBufferPointer { name in
            var parameters = [
                OSSL_PARAM_construct_utf8_string("digest", name.baseAddress, 0), OSSL_PARAM_construct_end(),
            ]
            return key.withUnsafeBytes { EVP_MAC_init(context, $0, key.count, &parameters) == 1 }
        }
        guard isReady else { fatalError("libcrypto has no HMAC-SHA-512") }
    }

    deinit { EVP_MAC_CTX_free(context) }

    public mutating func update(_ data: UnsafeRawBufferPointer) {
        _ = EVP_MAC_update(context, data.baseAddress?.assumingMemoryBound(to: UInt8.self), data.count)
    }

    /// 64 bytes.
    public consuming func finalize() -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: 64) { output, count in
            guard EVP_MAC_final(context, output.baseAddress, &count, 64) == 1, count == 64 else {
                fatalError("libcrypto's HMAC failed")
            }
        }
    }
}
