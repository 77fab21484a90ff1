import Bytes
import Testing

@testable import E2EE

/// The armor and what may stand around it and in it.
@Suite struct KeyBackupTests {
    static let alice = Fixtures.keys[0]
    static let bob = Fixtures.keys[1]

    private func ids(_ text: String) throws -> [String] { try KeyBackup.privateKeys(in: text).map(\.id.description) }

    @Test(arguments: [
        "", "\n", "Keep this safe!\n\n", "@alice your backup: ", "```\n", "é\u{301}🔑", "\u{FEFF}", "-", "-----BEGIN ",
        "-----END MM E2EE PRIVATE KEY-----\n", "-----BEGIN PGP MESSAGE-----\nabc=\n-----END PGP MESSAGE-----\n",
    ])
    func textAroundTheArmorIsIgnored(around: String) throws {
        let alice = KeyBackupTests.alice
        #expect(try ids(around + alice.backup) == [alice.idHex])
        #expect(try ids(alice.backup + around) == [alice.idHex])
        #expect(try ids(around + alice.backup + around) == [alice.idHex])
    }

    /// To Swift's characters a combining mark makes the last hyphen another one.
    @Test func aCombiningMarkBesideTheArmorChangesNothing() throws {
        let alice = KeyBackupTests.alice
        #expect(try ids(alice.backup + "\u{301}") == [alice.idHex])
    }

    @Test(arguments: ["\r\n", "\n\n", " \n ", "\n\t", "\n> ", "\n>> ", "\r\n> ", "\r", " "])
    func whiteSpaceAndQuotationMarksInsideAreIgnored(lineEnd: String) throws {
        let alice = KeyBackupTests.alice
        let lines = alice.backup.split(separator: "\n")
        #expect(try ids(lines.joined(separator: lineEnd)) == [alice.idHex])
        #expect(try ids("> " + lines.joined(separator: lineEnd) + lineEnd) == [alice.idHex])
    }

    @Test func theLinesMayBeCutAnywhere() throws {
        let alice = KeyBackupTests.alice
        let base64 = alice.backup.split(separator: "\n").dropFirst().dropLast().joined()
        #expect(try ids(KeyBackup.begin + base64 + KeyBackup.end) == [alice.idHex])
        let single = base64.map(String.init).joined(separator: "\n")
        #expect(try ids(KeyBackup.begin + "\n" + single + "\n" + KeyBackup.end) == [alice.idHex])
    }

    @Test func everyKeyInTheTextIsReadInOrder() throws {
        let (alice, bob) = (KeyBackupTests.alice, KeyBackupTests.bob)
        #expect(try ids(alice.backup + bob.backup) == [alice.idHex, bob.idHex])
        #expect(try ids("a\n" + bob.backup + "\nb\n" + alice.backup + "\n") == [bob.idHex, alice.idHex])
        let all = Fixtures.keys.map(\.backup).joined(separator: "\n")
        #expect(try ids(all) == Fixtures.keys.map(\.idHex))
    }

    @Test func oneDamagedKeyAmongSeveralIsAnError() {
        let (alice, bob) = (KeyBackupTests.alice.backup, KeyBackupTests.bob.backup)
        #expect(throws: KeyError.armorNotClosed) { try KeyBackup.privateKeys(in: alice + bob.dropLast(3)) }
        // The first key's end is missing, so that the second one's beginning stands inside it.
        #expect(throws: KeyError.armorNotBase64) {
            try KeyBackup.privateKeys(in: alice.replacing(KeyBackup.end, with: "") + bob)
        }
    }

    @Test func theBytesOfATextGiveTheSameKeys() throws {
        let alice = KeyBackupTests.alice
        // Not UTF-8 around the armor: no String could hold it.
        let bytes = [0xFF, 0xFE] + Array(alice.backup.utf8) + [0xC3]
        #expect(try KeyBackup.privateKeys(in: bytes).map(\.id.description) == [alice.idHex])
    }
}
