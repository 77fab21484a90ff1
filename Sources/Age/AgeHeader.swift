internal import Bytes

/// The textual header of an age file (C2SP.org/age, "Header"), with stanzas of any type. What parses encodes again to
/// the same bytes: there is one spelling of each header.
struct AgeHeader: Equatable, Sendable {
    private static let intro = Array("age-encryption.org/".utf8)
    private static let version = Array("v1".utf8)
    private static let columns = 64
    static let macLength = 32

    struct Stanza: Equatable, Sendable {
        /// The first one is the stanza's type; at least one, each of visible ASCII.
        let arguments: [String]
        let body: [UInt8]
    }

    var stanzas: [Stanza]
    var mac: [UInt8] = []

    /// What the MAC is made of: everything up to and with the three hyphens.
    var authenticated: [UInt8] {
        var bytes = AgeHeader.intro + AgeHeader.version + [UInt8(ascii: "\n")]
        for stanza in stanzas {
            bytes += Array("-> \(stanza.arguments.joined(separator: " "))\n".utf8)
            // A body that fills its last line is followed by an empty one.
            let body = Array(Base64.standardUnpadded.encode(stanza.body).utf8)
            for start in stride(from: 0, through: body.count, by: AgeHeader.columns) {
                bytes += body[start..<min(start + AgeHeader.columns, body.count)] + [UInt8(ascii: "\n")]
            }
        }
        return bytes + Array("---".utf8)
    }

    var encoded: [UInt8] { authenticated + Array(" \(Base64.standardUnpadded.encode(mac))\n".utf8) }

    /// HMAC key = HKDF-SHA-256(ikm = file key, salt = empty, info = "header").
    func isAuthentic(fileKey: SecretBytes) -> Bool { isEqual(mac, AgeHeader.mac(of: authenticated, fileKey: fileKey)) }

    mutating func authenticate(fileKey: SecretBytes) { mac = AgeHeader.mac(of: authenticated, fileKey: fileKey) }

    private static func mac(of bytes: [UInt8], fileKey: SecretBytes) -> [UInt8] {
        let key = hkdfSHA256(secret: fileKey, salt: [], info: Array("header".utf8), count: macLength)
        return hmacSHA256(key: key, bytes[...])
    }
}

extension AgeHeader {
    /// Reads the header at the beginning of `bytes`.
    ///
    /// - Returns: The header and where it ends, as an offset into `bytes`.
    static func parse(_ bytes: [UInt8]) throws(AgeError) -> (header: AgeHeader, end: Int) {
        guard bytes.starts(with: intro) else { throw .notAgeFile }
        var lines = Lines(bytes: bytes, position: intro.count)
        let name = try lines.next()
        guard isVisible(name) else { throw .malformedHeader(.versionLine) }
        guard name.elementsEqual(version) else { throw .unsupportedVersion }
        var stanzas: [Stanza] = []
        while true {
            let line = try lines.next()
            if line.starts(with: "-> ".utf8) {
                stanzas.append(Stanza(arguments: try arguments(line.dropFirst(3)), body: try body(&lines)))
            } else if line.starts(with: "---".utf8) {
                guard !stanzas.isEmpty else { throw .malformedHeader(.noStanza) }
                guard line.starts(with: "--- ".utf8), let mac = Base64.standardUnpadded.decode(line.dropFirst(4)),
                    mac.count == macLength
                else { throw .malformedHeader(.macLine) }
                return (AgeHeader(stanzas: stanzas, mac: mac), lines.position)
            } else {
                throw .malformedHeader(.unknownLine)
            }
        }
    }

    private static func arguments(_ line: ArraySlice<UInt8>) throws(AgeError) -> [String] {
        let arguments = line.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard arguments.allSatisfy(isVisible) else { throw .malformedHeader(.stanzaArguments) }
        return arguments.map { String(decoding: $0, as: UTF8.self) }
    }

    /// Full lines and one shorter one, which may be empty.
    private static func body(_ lines: inout Lines) throws(AgeError) -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = try lines.next()
            guard line.count <= columns, let bytes = Base64.standardUnpadded.decode(line) else {
                throw .malformedHeader(.stanzaBody)
            }
            body += bytes
            if line.count < columns { return body }
        }
    }

    /// `1*VCHAR` (RFC 5234, appendix B.1).
    private static func isVisible(_ text: ArraySlice<UInt8>) -> Bool {
        !text.isEmpty && text.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private struct Lines {
        let bytes: [UInt8]
        var position: Int

        /// The next line without the line feed that must end it.
        mutating func next() throws(AgeError) -> ArraySlice<UInt8> {
            guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else {
                throw .malformedHeader(.endsTooEarly)
            }
            defer { position = end + 1 }
            return bytes[position..<end]
        }
    }
}
