import E2EE
import Reader
import Testing

/// What a real server kept, read with the real keys.
@Suite struct VerdictTests {
    @Test func everyPost_ReadsAsItWasWritten() async throws {
        try await Recording.with { recording in
            let expected = try Reading.expected()
            let read = try await recording.read(with: [Fixture.key(1), Fixture.key(2)])
            #expect(expected.count == 607)
            #expect(read.count == 607)
            #expect(differing(read, expected) == [])
        }
    }

    @Test func orderOfKeys_DoesNotMatter() async throws {
        try await Recording.with { recording in
            let read = try await recording.read(with: [Fixture.key(2), Fixture.key(1)])
            #expect(differing(read, try Reading.expected()) == [])
        }
    }

    @Test(arguments: [[1], [2], []])
    func missingKey_ClosesItsPostsAndNoOthers(at hand: [Int]) async throws {
        try await Recording.with { recording in
            let keys = try hand.map(Fixture.key)
            let openable = try Opening.posts(keys)
            var expected = try Reading.expected()
            for (id, reading) in expected where ["decrypted", "keyUnwrapFailed"].contains(reading.content) {
                guard !openable.contains(id) else { continue }
                expected[id]?.content = "notForUs"
                expected[id]?.text = nil
            }
            for (id, reading) in expected where reading.userID == Recording.ownID {
                switch reading.authenticity {
                case "verifiedByEarlierKey":
                    // Without her first key nobody knows that what it signed is Alice's: the server shows only the second.
                    expected[id]?.authenticity = hand == [1] ? "verified" : "signatureInvalid"
                case "verified" where hand == [1]:
                    // Of two keys she says that the first is hers: the second might be anybody's whom the server lets in.
                    expected[id]?.authenticity = "newKeyUnanswered"
                default: break
                }
            }
            #expect(differing(try await recording.read(with: keys), expected) == [])
        }
    }

    @Test func eachKey_OpensSomething() throws {
        let first = try Opening.posts([Fixture.key(1)])
        let second = try Opening.posts([Fixture.key(2)])
        #expect(!first.isEmpty && !second.isEmpty && first.isDisjoint(with: second))
    }

    private func differing(_ read: [String: Reading], _ expected: [String: Reading]) -> [String] {
        Set(read.keys).union(expected.keys).filter { read[$0] != expected[$0] }.sorted()
    }
}
