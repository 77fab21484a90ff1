/// Why an age file does not open. Never holds a byte of the file or of a key.
public enum AgeError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file does not begin with `age-encryption.org/`. An ASCII-armored one does not either, and is not read.
    case notAgeFile
    /// The version line is well formed and names another version than `v1`.
    case unsupportedVersion
    /// The header is not as C2SP.org/age demands.
    case malformedHeader(AgeHeaderFlaw)
    /// No X25519 stanza of the header opens with any of the identities.
    case noIdentityMatches
    /// An identity opened the file key, and the header is not the one that was written with it.
    case headerMACWrong
    /// The payload is damaged, cut short or longer than it was. `chunk` counts the pieces of 64 KiB from 0.
    case payloadDamaged(chunk: Int)

    /// One line without a final period.
    public var description: String {
        switch self {
        case .notAgeFile: "this is not an age file, or it is an ASCII-armored one"
        case .unsupportedVersion: "the age file has another version than v1"
        case .malformedHeader(let flaw): "the age file's header is damaged: \(flaw.rawValue)"
        case .noIdentityMatches: "the age file is not sealed to this key"
        case .headerMACWrong: "the age file's header was changed: its MAC is wrong"
        case .payloadDamaged(let chunk): "the age file is damaged or cut short (chunk \(chunk))"
        }
    }
}

/// What is wrong with the header of an age file (C2SP.org/age, "Header" and "The X25519 recipient type").
public enum AgeHeaderFlaw: String, Sendable {
    /// The file ends before its header does.
    case endsTooEarly = "it ends too early"
    /// The version is empty or has other characters than visible ASCII.
    case versionLine = "the version line"
    /// A line that begins neither with `-> ` nor with `---`.
    case unknownLine = "a line that is neither a stanza nor the MAC"
    /// An empty argument, or one with other characters than visible ASCII.
    case stanzaArguments = "the arguments of a stanza"
    /// A line that is too long, missing or not canonical base64.
    case stanzaBody = "the body of a stanza"
    /// The MAC follows the version line.
    case noStanza = "it has no stanza"
    /// The last line is not `--- ` and 32 bytes in canonical base64.
    case macLine = "the line of the MAC"
    /// Not two arguments, a share that is not 32 bytes in canonical base64, or a body that is not 32 bytes.
    case x25519Stanza = "an X25519 stanza"
    /// The share is a point of low order: the shared secret would be all zero.
    case lowOrderShare = "an X25519 share of low order"
    /// A passphrase's stanza beside another one.
    case scryptNotAlone = "a passphrase beside another recipient"
    /// Fewer than the 16 bytes of the payload's nonce follow.
    case nonce = "the payload's nonce is cut short"
}
