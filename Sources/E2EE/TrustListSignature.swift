internal import Bytes

/// What the signature of a list of keys covers: a line that says what is signed, and the list's bytes behind it.
///
/// The key also signs messages, and neither signature must pass for the other. What is signed of a message begins with 16
/// bytes of the sender's choice and a SHA-256 of 32 bytes. The line is longer than both: for a list to be a message, too, a
/// point would have to hash to the line's characters 16 to 48.
private enum SignedList {
    static let context = "mmvault trust list, version 1: which key is known to be whose\n"

    static func digest(_ list: ArraySlice<UInt8>) -> SHA256Digest { SHA256Digest(of: Array(context.utf8) + list) }
}

extension PrivateKey {
    /// Signs a list of keys.
    ///
    /// - Parameter list: its bytes as they will stand in the file.
    /// - Returns: ECDSA `r ‖ s`, 64 bytes.
    public func sign(trustList list: ArraySlice<UInt8>) -> [UInt8] {
        guard let signature = signer.sign(digest: SignedList.digest(list).bytes) else {
            fatalError("libcrypto could not sign")
        }
        return signature
    }
}

extension SigningPoint {
    public func verifies(_ signature: [UInt8], ofTrustList list: ArraySlice<UInt8>) -> Bool {
        verifies(signature: signature, digest: SignedList.digest(list))
    }
}
