internal import Bytes
internal import E2EE
internal import Glibc

/// Which of a user's signers a signature fits, by message: found once. Several tasks ask at a time.
final class SignatureMemory: @unchecked Sendable {
    /// By half a digest of all that the answer depends on; -1 where it fits none.
    private var places: [UInt128: Int32] = [:]
    /// A mutex of Swift's own calls syscall(2), and nothing in Reader may.
    private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

    /// Some 30 MiB.
    private static let capacity = 1 << 19

    init() { pthread_mutex_init(lock, nil) }

    deinit {
        pthread_mutex_destroy(lock)
        lock.deallocate()
    }

    /// - Parameter find: verifies the signature.
    func place(of message: EncryptedMessage, by userID: String, find: () -> Int?) -> Int? {
        let digest = SHA256Digest(of: message.signedDigest.bytes + message.signature + Array(userID.utf8))
        let key = digest.bytes.prefix(16).reduce(UInt128(0)) { $0 << 8 | UInt128($1) }
        if let known = withLock({ places[key] }) { return known < 0 ? nil : Int(known) }
        let found = find()
        withLock { if places.count < SignatureMemory.capacity { places[key] = found.map { Int32($0) } ?? -1 } }
        return found
    }

    private func withLock<Value>(_ body: () -> Value) -> Value {
        pthread_mutex_lock(lock)
        defer { pthread_mutex_unlock(lock) }
        return body()
    }
}
