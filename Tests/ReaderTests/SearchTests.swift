import Archive
import Testing

@testable import E2EE
@testable import Reader

@Suite("What a search finds")
struct SearchTests {
    private static let day: Int64 = 86_400_000

    /// Posts of every kind, each in one place of time; the first is the oldest.
    private func fixture() async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bobEarlier.publicKey, fixture.bob.publicKey])
        let first = Fixture.first
        var posts = [
            fixture.encrypted("cafe", "Meet at the café, Straße 5", at: first + 1),
            fixture.encrypted("tokyo", "明日は東京会議室で rollback", at: first + 2),
            fixture.encrypted("korean", "내일 회의실에서 봅시다", at: first + 3),
            fixture.encrypted("plan", "The rollback plan, version 2.3.1 — #release-2 and #Später", at: first + 4),
            fixture.encrypted("reverse", "plan the ROLLBACK snake_case", signer: fixture.bobEarlier, at: first + 5),
            fixture.encrypted("forged", "rollback now!", signer: fixture.stranger, at: first + 6),
            fixture.encrypted("closed", "rollback secretly", to: [fixture.stranger.publicKey], at: first + 7),
            fixture.encrypted("carols", "rollback by Carol 🎉", by: "carol", at: first + 8),
            fixture.encrypted("tomorrow", "the day after: rolling stones", at: first + SearchTests.day, in: "second"),
            fixture.encrypted("reply", "I agree with the plan", at: first + SearchTests.day + 1, root: "plan"),
            Fixture.post(
                "open", by: "alice", at: first + 9, message: "ｆｕｌｌ width, e\u{301}clair, “quoted” soft\u{AD}ware"),
            Fixture.post("file", by: "alice", at: first + 10, message: ""),
            Fixture.post("missing", by: "alice", at: first + 11, type: "custom_e2ee"),
        ]
        posts[11].json = posts[11].json.replacing(
            "\"props\"", with: #""metadata":{"files":[{"id":"f","name":"Rechnung März.pdf"}]},"props""#)
        try await fixture.addPage(posts)
        // Edited and deleted later.
        try await fixture.addPage([fixture.encrypted("edited", "salt and pepper", at: first + 12)])
        try await fixture.addPage([
            fixture.encrypted("edited", "salt and vinegar", at: first + 12, editAt: first + 20),
            fixture.encrypted("oldone", "salt and pepper", at: first + 12, deleteAt: first + 20, original: "edited"),
        ])
        try await fixture.addPage([fixture.encrypted("deleted", "pepper spray", at: first + 13)])
        try await fixture.addPage([
            fixture.encrypted("deleted", "pepper spray", at: first + 13, deleteAt: first + 30)
        ])
        return fixture
    }

    static let questions: [(String, [String])] = [
        ("cafe", ["cafe"]), ("CAFÉ", ["cafe"]), ("straße", ["cafe"]), ("会議", ["tokyo"]), ("東京会議室", ["tokyo"]),
        ("京会", ["tokyo"]), ("室", ["tokyo"]), ("東", ["tokyo"]), ("議東", []), ("会議 rollback", ["tokyo"]),
        ("\"会議室で rollback\"", ["tokyo"]), ("회의", ["korean"]), ("의실", ["korean"]),
        ("rollback", ["carols", "forged", "reverse", "plan", "tokyo"]),
        ("roll*", ["tomorrow", "carols", "forged", "reverse", "plan", "tokyo"]),
        ("\"rollback plan\"", ["plan"]), ("\"plan rollback\"", []), ("\"plan the rollback\"", ["reverse"]),
        ("rollback plan", ["reverse", "plan"]), ("rollback -plan", ["carols", "forged", "tokyo"]),
        ("plan -\"rollback plan\"", ["reply", "reverse"]), ("2.3.1", ["plan"]), ("snake_case", ["reverse"]),
        ("snake", ["reverse"]), ("#release-2", ["plan"]), ("#release", []), ("#später", ["plan"]),
        ("#spater", ["plan"]),
        ("release", ["plan"]), ("🎉", ["carols"]), ("carol 🎉", ["carols"]),
        ("full", ["open"]), ("éclair", ["open"]), ("eclair", ["open"]), ("software", ["open"]), ("quoted", ["open"]),
        ("from:bob rollback", ["forged", "reverse", "plan", "tokyo"]), ("from:carol", ["carols"]),
        ("from:me", ["file", "open", "missing"].sorted { SearchTests.place($0) > SearchTests.place($1) }),
        ("rollback -from:bob", ["carols"]), ("from:carol from:alice rollback", ["carols"]),
        ("in:second", ["tomorrow"]), ("in:~second rolling", ["tomorrow"]), ("in:second!", ["tomorrow"]),
        ("plan -in:second", ["reply", "reverse", "plan"]), ("after:yesterday", ["reply", "tomorrow"]),
        ("on:today plan", ["reply"]), ("plan on:yesterday", ["reverse", "plan"]),
        ("plan -on:yesterday", ["reply"]), ("before:today plan", ["reverse", "plan"]),
        ("has:file", ["file"]), ("rechnung", ["file"]), ("marz", ["file"]), ("cafe -has:file", ["cafe"]),
        ("is:edited", ["edited"]), ("vinegar", ["edited"]), ("pepper", ["deleted", "oldone"]),
        ("salt", ["edited"]), ("is:deleted", ["deleted"]), ("pepper -is:deleted", ["oldone"]),
        ("salt -is:edited", []), ("salt", ["edited"]),
        ("verdict:verified rollback", ["plan", "tokyo"]), ("verdict:verifiedByEarlierKey", ["reverse"]),
        ("verdict:signatureInvalid", ["forged"]), ("verdict:unknownSender", ["carols"]),
        ("verdict:notForUs", ["closed"]),
        ("verdict:missingPayload", ["missing"]), ("verdict:unclean", ["missing", "carols", "closed", "forged"]),
        ("verdict:clean rollback", ["reverse", "plan", "tokyo"]),
        ("rollback -verdict:verified", ["carols", "forged", "reverse"]),
        ("verdict:plain", ["file", "open"]), ("secretly", []), ("message", []), ("Encrypted", []),
    ]

    private static func place(_ word: String) -> Int { ["open", "file", "missing"].firstIndex(of: word) ?? 0 }

    @Test("each question is answered, the newest first, however many parts the index has", arguments: [1 << 17, 3])
    func questions(partLength: Int) async throws {
        let fixture = try await fixture()
        let search = try await fixture.search(partLength: partLength)
        for (question, expected) in SearchTests.questions {
            #expect(try await search.find(question) == expected, "\(question)")
        }
    }

    @Test("a limit cuts the newest, and says that there are more")
    func limit() async throws {
        let fixture = try await fixture()
        defer { withExtendedLifetime(fixture) {} }
        let search = try await fixture.search()
        let query = try SearchQuery("rollback", today: today)
        for limit in 1...6 {
            let (hits, hasMore) = try await search.find(query, limit: limit)
            #expect(
                hits.map { word(of: $0.post.header.id) }
                    == Array(["carols", "forged", "reverse", "plan", "tokyo"].prefix(limit)))
            #expect(hasMore == (limit < 5))
        }
    }

    @Test("ranking puts what is about the word first, and finds the same posts", arguments: [1 << 17, 2])
    func relevance(partLength: Int) async throws {
        let fixture = try await fixture()
        try await fixture.addPage([
            fixture.encrypted("much", "rollback rollback rollback", at: Fixture.first),
            fixture.encrypted(
                "little", "a rollback " + String(repeating: "of other words ", count: 40), at: Fixture.first + 14),
        ])
        let search = try await fixture.search(partLength: partLength)
        let ranked = try await search.find("rollback", order: .relevance)
        #expect(Set(ranked) == Set(try await search.find("rollback")))
        if partLength > 2 { #expect(ranked.first == "much" && ranked.last == "little") }
    }

    @Test("a name that is nobody's is a question back, with names that are like it")
    func unknownNames() async throws {
        let fixture = try await fixture()
        defer { withExtendedLifetime(fixture) {} }
        let search = try await fixture.search()
        for (query, part, hint) in [
            ("from:bobb", "from:bobb", "“bob”"), ("x -from:zed", "-from:zed", "from:anna"),
            ("in:chan", "in:chan", "“channel!”"), ("in:nowhere", "in:nowhere", "mmvault channels"),
        ] {
            let parsed = try SearchQuery(query, today: today)
            let error = await #expect(throws: SearchQueryError.self) { _ = try await search.find(parsed, limit: 1) }
            #expect(error?.part == part)
            #expect(error?.hint?.contains(hint) == true, "\(error?.hint ?? "")")
        }
    }

    @Test("neighbours are those of the thread for a reply, and else those of the channel")
    func neighbours() async throws {
        let fixture = try await fixture()
        defer { withExtendedLifetime(fixture) {} }
        let search = try await fixture.search()
        func around(_ query: String) async throws -> ([String], [String]) {
            let (hits, _) = try await search.find(try SearchQuery(query, today: today), limit: 1, context: 2)
            return (
                hits[0].before.map { word(of: $0.post.header.id) }, hits[0].after.map { word(of: $0.post.header.id) }
            )
        }
        #expect(try await around("agree") == (["plan"], []))
        #expect(try await around("회의") == (["cafe", "tokyo"], ["plan", "reverse"]))
        #expect(try await around("rolling") == ([], []))
    }
}

extension SearchTests {
    @Test("what cannot be told from the query's own words is said so by the highlight as well")
    func highlight() throws {
        func marked(_ query: String, _ line: String) throws -> String {
            var result = ""
            var place = line.startIndex
            for range in SearchHighlight(try SearchQuery(query, today: today)).ranges(in: line) {
                result += "\(line[place..<range.lowerBound])[\(line[range])]"
                place = range.upperBound
            }
            return result + line[place...]
        }
        #expect(try marked("cafe", "im Café, cafeteria") == "im [Café], cafeteria")
        #expect(try marked("cafe*", "im Café, cafeteria") == "im [Café], [cafeteria]")
        #expect(try marked("\"rollback plan\" plan", "plan: Rollback-Plan plan") == "[plan]: [Rollback-Plan] [plan]")
        #expect(try marked("会議", "明日は東京会議室で") == "明日は東京[会議]室で")
        #expect(try marked("会", "明日は東京会議室で") == "明日は東京[会]議室で")
        #expect(try marked("-plan x", "plan") == "plan")
        #expect(try marked("#release-2", "see #release-2!") == "see #[release-2]!")
        #expect(try marked("🎉", "ok 🎉") == "ok [🎉]")
    }
}
