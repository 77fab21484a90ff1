import Bytes
import Testing

@testable import Age

/// The grammar of C2SP.org/age, "ABNF definition of file header", case by case.
@Suite struct HeaderTests {
    private static let mac = "--- AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
    private static let v1 = "age-encryption.org/v1\n"
    private static let full = String(repeating: "A", count: 64) + "\n"
    private static let share = String(repeating: "A", count: 43)

    @Test(arguments: [
        "\(v1)-> a\n\n\(mac)", "\(v1)-> a b c\nAA\n\(mac)", "\(v1)-> a\n\(full)\n\(mac)",
        "\(v1)-> a\n\(full)\(full)AAA\n\(mac)",
        "\(v1)-> a\n\n-> ! ~\nAAAA\n\(mac)", "\(v1)-> -> ---\n\n\(mac)",
        "\(v1)-> a\n\(full)\(full.dropLast(2))\n\(mac)",
    ])
    func whatParsesEncodesToTheSameBytes(text: String) throws {
        let bytes = Array(text.utf8)
        let (header, end) = try AgeHeader.parse(bytes + Array("payload\n".utf8))
        #expect(end == bytes.count)
        #expect(header.encoded == bytes)
        #expect(header.authenticated == bytes.dropLast(45))
    }

    @Test(arguments: [
        ("", AgeError.notAgeFile), ("age-encryption.org", .notAgeFile), ("AGE-encryption.org/v1\n", .notAgeFile),
        ("-----BEGIN AGE ENCRYPTED FILE-----\n", .notAgeFile), ("\u{FEFF}\(v1)", .notAgeFile),
        ("age-encryption.org/v2\n", .unsupportedVersion), ("age-encryption.org/V1\n", .unsupportedVersion),
        ("age-encryption.org/v1", .malformedHeader(.endsTooEarly)),
        ("age-encryption.org/\n", .malformedHeader(.versionLine)),
        ("age-encryption.org/v1\r\n", .malformedHeader(.versionLine)),
        ("age-encryption.org/v1 \n", .malformedHeader(.versionLine)),
        (v1, .malformedHeader(.endsTooEarly)), ("\(v1)\n", .malformedHeader(.unknownLine)),
        ("\(v1)\(mac)", .malformedHeader(.noStanza)),
        ("\(v1)->a\n\n\(mac)", .malformedHeader(.unknownLine)), ("\(v1)->\n\n\(mac)", .malformedHeader(.unknownLine)),
        ("\(v1)-> \n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)-> a  b\n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)-> a \n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)->  a\n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)-> é\n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)-> a\r\n\n\(mac)", .malformedHeader(.stanzaArguments)),
        ("\(v1)-> a\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\n\(full)\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nA\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nAB\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nAA==\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nAA\r\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nA\(full)\n\(mac)", .malformedHeader(.stanzaBody)),
        ("\(v1)-> a\nAA\nAA\n\(mac)", .malformedHeader(.unknownLine)),
        ("\(v1)-> a\n\n---\n", .malformedHeader(.macLine)), ("\(v1)-> a\n\n--- \n", .malformedHeader(.macLine)),
        ("\(v1)-> a\n\n\(mac.dropLast(2))\n", .malformedHeader(.macLine)),
        ("\(v1)-> a\n\n\(mac.dropLast(2))B\n", .malformedHeader(.macLine)),
        ("\(v1)-> a\n\n\(mac.dropLast())=\n", .malformedHeader(.macLine)),
        ("\(v1)-> a\n\n\(mac.dropLast())\r\n", .malformedHeader(.macLine)),
        ("\(v1)-> a\n\n\(mac.dropLast())", .malformedHeader(.endsTooEarly)),
    ])
    func everyOtherHeaderIsRefused(text: String, error: AgeError) {
        #expect(throws: error) { try AgeHeader.parse(Array(text.utf8)) }
    }

    @Test(arguments: [
        ("-> X25519 \(share)\n\(share)\n", nil), ("-> X25519\n\(share)\n", AgeHeaderFlaw.x25519Stanza),
        ("-> X25519 \(share) a\n\(share)\n", .x25519Stanza), ("-> X25519 \(share)\nAAAA\n", .x25519Stanza),
        ("-> X25519 \(share)\n\(share)A\n", .x25519Stanza), ("-> X25519 \(share)A\n\(share)\n", .x25519Stanza),
        ("-> X25519 \(share)=\n\(share)\n", .x25519Stanza), ("-> x25519 a\n\n", nil), ("-> scrypt a\n\n", nil),
        ("-> scrypt a\n\n-> scrypt a\n\n", .scryptNotAlone), ("-> grease\n\n-> scrypt a\n\n", .scryptNotAlone),
        ("-> scrypt a\n\n-> X25519 \(share)\n\(share)\n", .scryptNotAlone),
    ])
    func aStanzaOfOursHasItsShapeAndAPassphraseStandsAlone(stanzas: String, flaw: AgeHeaderFlaw?) throws {
        let header = try AgeHeader.parse(Array("\(HeaderTests.v1)\(stanzas)\(HeaderTests.mac)".utf8)).header
        if let flaw {
            #expect(throws: AgeError.malformedHeader(flaw)) { try AgeStanza.all(in: header.stanzas) }
        } else {
            #expect(try AgeStanza.all(in: header.stanzas).count == (stanzas.contains("X25519 ") ? 1 : 0))
        }
    }

    @Test func everyErrorSaysInOneLineWhatIsWrong() {
        let errors: [AgeError] = [
            .notAgeFile, .unsupportedVersion, .malformedHeader(.nonce), .noIdentityMatches, .headerMACWrong,
            .payloadDamaged(chunk: 3),
        ]
        #expect(Set(errors.map(\.description)).count == errors.count)
        #expect(errors.allSatisfy { !$0.description.contains("\n") && !$0.description.hasSuffix(".") })
    }
}
