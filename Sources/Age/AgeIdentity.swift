public import Bytes

/// An X25519 private key (C2SP.org/age, "The X25519 recipient type"): what opens a file. Its bytes are locked in memory
/// and wiped on release.
public struct AgeIdentity: Sendable {
    private static let prefix: StaticString = "AGE-SECRET-KEY-"

    let scalar: SecretBytes
    /// The public half: what to seal a file to, so that this identity opens it.
    public let recipient: AgeRecipient

    /// - Parameter scalar: 32 bytes, any value: X25519 itself sets the bits that must be (RFC 7748, section 5).
    public init(scalar: SecretBytes) {
        precondition(scalar.count == X25519.length, "an X25519 scalar has 32 bytes")
        self.scalar = scalar
        recipient = AgeRecipient(point: X25519.publicPoint(of: scalar))
    }

    /// A new identity from the system's generator.
    public static func generate() -> AgeIdentity { AgeIdentity(scalar: .random(X25519.length)) }

    /// Reads `AGE-SECRET-KEY-1…`, upper case and nothing around it.
    ///
    /// - Returns: nil for anything that `secretCharacters` would not have written. A `String` cannot be wiped; where it
    ///   is one, the key has left the locked memory before.
    public init?(_ text: String) {
        var characters = Array(text.utf8)
        defer { wipe(&characters) }
        self.init(characters)
    }

    /// As above, for a caller that can wipe what it read.
    public init?(_ characters: [UInt8]) {
        guard var bytes = Bech32.decode(characters, prefix: AgeIdentity.prefix) else { return nil }
        defer { wipe(&bytes) }
        guard bytes.count == X25519.length else { return nil }
        self.init(scalar: SecretBytes(bytes))
    }

    /// The private key as `AGE-SECRET-KEY-1…`, 74 characters, for the caller to wipe. It is the key in clear: only for
    /// a command whose purpose is to hand it out.
    public var secretCharacters: [UInt8] {
        var bytes = scalar.withUnsafeBytes { Array(UnsafeBufferPointer(start: $0, count: scalar.count)) }
        defer { wipe(&bytes) }
        return Bech32.encode(bytes, prefix: AgeIdentity.prefix)
    }
}

/// An X25519 public key: what a file is sealed to.
public struct AgeRecipient: Hashable, Sendable, CustomStringConvertible {
    private static let prefix: StaticString = "age"

    let point: [UInt8]

    /// The public point of a scalar, which never is of low order.
    init(point: [UInt8]) { self.point = point }

    /// Reads `age1…`, lower case and nothing around it.
    ///
    /// - Returns: nil for anything that `description` would not have written, for other kinds of recipients, and for a
    ///   point of low order, to which nothing can be sealed.
    public init?(_ text: String) {
        guard let point = Bech32.decode(Array(text.utf8), prefix: AgeRecipient.prefix), point.count == X25519.length,
            // A point is of low order where its product with any scalar is zero (RFC 7748, section 6.1).
            X25519.shared(scalar: .random(X25519.length), point: point) != nil
        else { return nil }
        self.init(point: point)
    }

    /// `age1…`, 62 characters.
    public var description: String {
        String(decoding: Bech32.encode(point, prefix: AgeRecipient.prefix), as: UTF8.self)
    }
}
