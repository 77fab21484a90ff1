import Archive
import Foundation
import TestSupport
import Testing

@testable import E2EE
@testable import Reader

@Suite("The search index")
struct SearchIndexTests {
    /// A fixture with a page of posts, each of which holds “common” and a word of its own.
    private func fixture(_ count: Int = 12) async throws -> Fixture {
        let fixture = try Fixture()
        try await fixture.addPeople()
        try await fixture.addKeys("bob", [fixture.bob.publicKey])
        try await addPosts(0..<count, to: fixture)
        return fixture
    }

    private func addPosts(_ numbers: Range<Int>, to fixture: Fixture) async throws {
        try await fixture.addPage(
            numbers.map { fixture.encrypted("n\($0)x", "common word\($0)", at: Fixture.first + Int64($0)) })
    }

    private func words(_ numbers: Range<Int>) -> [String] { numbers.reversed().map { "n\($0)x" } }

    /// The row without the message is in the index already when the one with it comes: the revision is found once, as the
    /// history has it.
    @Test("an old revision that was indexed without its message is found once, with it")
    func blankRevision() async throws {
        let fixture = try await fixture(2)
        let payload = Fixture.payload("singular", from: fixture.bob, to: [fixture.own.publicKey])
        func revision(_ message: String) -> (id: String, json: String) {
            Fixture.post(
                "revised", original: "n0x", at: Fixture.first, deleteAt: Fixture.first + 5000, type: "custom_e2ee",
                message: message, payload: payload)
        }
        try await fixture.addPage([revision("")])
        var search = try await fixture.search()
        let blank = try await search.find(SearchQuery("singular", today: today), limit: 10).hits.map(\.post)
        #expect(blank.map(\.header.id) == [id("revised")] && blank[0].clearText == nil)
        let counted = try search.count()

        let body = Array("[\(revision("in the clear").json)]".utf8)
        try await ArchiveWriter(fixture.directory).append(
            ReceivedDocument(
                kind: .history, request: "GET /x", channelID: id("channel"),
                receivedAt: Timestamp(milliseconds: Fixture.first), body: body),
            page: PostsPage(history: body), walk: nil)
        search = try await fixture.search()
        let found = try await search.find(SearchQuery("singular", today: today), limit: 10).hits.map(\.post)
        #expect(found.map(\.header.id) == [id("revised")])
        #expect(found.first?.clearText?.withheldString == "in the clear")
        #expect(try search.count() == counted)
        #expect(try await fixture.find("singular verdict:editedInTheClear") == ["revised"])
        let read = try await fixture.read(PostQuery(channelID: id("channel")))
        #expect(read.count == 3 && read.count { $0.clearText != nil } == 1)
    }

    // MARK: What is on disk

    @Test("nothing of a text stands on disk, and an index that is up to date is not written again")
    func sealed() async throws {
        let fixture = try await fixture()
        #expect(try await fixture.find("common") == words(0..<12))
        let files = try fixture.sealed
        #expect(files.count == 3)
        for (name, bytes) in files where !name.hasSuffix("lock") {
            #expect(String(decoding: bytes.prefix(22), as: UTF8.self) == "age-encryption.org/v1\n", "\(name)")
            #expect(Data(bytes).range(of: Data("common".utf8)) == nil)
            #expect(Data(bytes).range(of: Data("SQLite".utf8)) == nil)
        }
        #expect(try await fixture.find("word3") == ["n3x"])
        #expect(try fixture.sealed == files)
    }

    @Test("without a key plain posts are found, and nothing is kept")
    func noKey() async throws {
        let fixture = try await fixture()
        try await fixture.addPage([Fixture.post("open", at: Fixture.first + 50, message: "common but open")])
        #expect(try await fixture.find("common", []) == ["open"])
        #expect(try await fixture.search([]).isKept == false)
        #expect(try fixture.sealed.isEmpty)
    }

    @Test("each set of keys has an index of its own, which no other set opens")
    func severalKeys() async throws {
        let fixture = try await fixture(3)
        let second = PrivateKey.generate()
        try await fixture.addPage([
            fixture.encrypted("second", "common to the second", to: [second.publicKey], at: Fixture.first + 60)
        ])
        #expect(try await fixture.find("common") == words(0..<3))
        #expect(try await fixture.find("common", [second]) == ["second"])
        #expect(try await fixture.find("common", [second, fixture.own]) == ["second"] + words(0..<3))
        #expect(try await fixture.find("common", [PrivateKey.generate()]).isEmpty)
        let files = try fixture.sealed
        #expect(Set(files.keys.map { $0.prefix { $0 != "/" } }).count == 4)
        // The folder of one set under the name of another is none of theirs.
        let folders = Dictionary(grouping: files.keys, by: { $0.prefix { $0 != "/" } }).values.map { $0.sorted() }
        var exchanged = files
        for (mine, theirs) in zip(folders, folders.dropFirst() + [folders[0]]) {
            let manifest = mine.first { $0.hasSuffix("manifest.age") } ?? ""
            exchanged[manifest] = files[theirs.first { $0.hasSuffix("manifest.age") } ?? ""]
        }
        try fixture.replaceSealed(exchanged)
        #expect(try await fixture.find("common") == words(0..<3))
        #expect(try await fixture.find("common", [second]) == ["second"])
    }

    // MARK: Keeping up

    @Test("what arrives is sealed by itself, and many small parts become one")
    func growth() async throws {
        let fixture = try await fixture(5)
        #expect(try await fixture.find("common") == words(0..<5))
        for round in 1...30 {
            let before = try fixture.sealed
            try await addPosts((round * 5)..<(round * 5 + 5), to: fixture)
            #expect(try await fixture.find("common") == words(0..<(round * 5 + 5)))
            let after = try fixture.sealed
            let kept = before.keys.filter { after[$0] == before[$0] && $0.hasSuffix(".age") }
            if round < 7 { #expect(kept.count == before.count - 2, "round \(round) sealed more than what is new") }
            #expect(after.count <= 16)
        }
    }

    @Test("the index of a random history finds what reading every post finds", arguments: 1...4 as ClosedRange<UInt64>)
    func randomHistories(seed: UInt64) async throws {
        var random = Seeded(seed)
        let fixture = try await fixture(1)
        let vocabulary = ["alpha", "beta", "gamma", "delta", "omega"]
        var times: [Int: Int64] = [:]
        for round in 0..<12 {
            var page: [String: (id: String, json: String)] = [:]
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let number = Int.random(in: 0..<30, using: &random)
                let at = times[number] ?? Fixture.first + Int64.random(in: 0..<20, using: &random)
                times[number] = at
                let text = (0..<3).map { _ in vocabulary.randomElement(using: &random) ?? "" }.joined(separator: " ")
                let isGone = Int.random(in: 0..<5, using: &random) == 0
                page["p\(number)x"] = fixture.encrypted(
                    "p\(number)x", text, by: ["bob", "alice"].randomElement(using: &random) ?? "bob", at: at,
                    editAt: Fixture.first + Int64(round) + 100,
                    deleteAt: isGone ? Fixture.first + Int64(round) + 100 : 0)
            }
            try await fixture.addPage(page.values.sorted { $0.id < $1.id })
            let posts = try await fixture.read(PostQuery(channelID: id("channel")))
            let search = try await fixture.search(partLength: 4)
            for word in vocabulary {
                for (query, isWanted): (String, (ReadPost) -> Bool) in [
                    (word, { _ in true }), ("\(word) from:alice", { $0.header.userID == id("alice") }),
                    ("\(word) -omega", { !text($0).contains("omega") }),
                ] {
                    let expected = Set(posts.filter { text($0).contains(word) && isWanted($0) }.map(\.header.id))
                    let found = try await search.find(query)
                    #expect(Set(found.map { id($0) }) == expected, "\(query) in round \(round)")
                    #expect(found.count == expected.count)
                    let moments = found.compactMap { times[Int($0.dropFirst().dropLast()) ?? -1] }
                    #expect(moments == moments.sorted(by: >))
                }
            }
        }
        func text(_ post: ReadPost) -> String {
            switch post.text {
            case .verified(let text): text.string
            case .unverified(let text): text.withheldString
            default: ""
            }
        }
    }

    @Test("a key that becomes known changes the verdicts of what is indexed already")
    func laterKey() async throws {
        let fixture = try await fixture(3)
        let carols = PrivateKey.generate()
        try await fixture.addPage([
            fixture.encrypted("late", "common late", signer: carols, by: "carol", at: Fixture.first + 70)
        ])
        #expect(try await fixture.find("verdict:unknownSender") == ["late"])
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        #expect(try await fixture.find("verdict:signatureInvalid") == ["late"])
        #expect(try await fixture.find("verdict:unknownSender").isEmpty)
        try await fixture.addKeys("carol", [carols.publicKey])
        #expect(try await fixture.find("verdict:newKeyUnanswered") == ["late"])
        #expect(try await fixture.find("verdict:clean common") == words(0..<3))
        try await fixture.decide(.accepted, "carol", carols.publicKey)
        #expect(try await fixture.find("verdict:verified common") == ["late"] + words(0..<3))
        try await fixture.decide(.withdrawn, "carol", carols.publicKey)
        try await fixture.addKeys("carol", [fixture.stranger.publicKey])
        #expect(try await fixture.find("verdict:keyDisputed") == ["late"])
        try await fixture.decide(.confirmed, "carol", fixture.stranger.publicKey)
        try await fixture.decide(.confirmedEarlier, "carol", carols.publicKey)
        #expect(try await fixture.find("verdict:verifiedByEarlierKey") == ["late"])
        #expect(try await fixture.find("common") == ["late"] + words(0..<3))
    }

    @Test("a copy that arrives later, and the owner's word for the original, change what is repeated")
    func laterCopy() async throws {
        let fixture = try await fixture(3)
        let message = EncryptedMessage.seal(Array("common twice".utf8), from: fixture.bob, to: [fixture.own.publicKey])
        func post(_ word: String, at: Int64) -> (id: String, json: String) {
            Fixture.post(
                word, by: "bob", at: Fixture.first + at, type: "custom_e2ee", message: "Encrypted message",
                payload: Fixture.json(message))
        }
        try await fixture.addPage([post("one", at: 80)])
        #expect(try await fixture.find("verdict:repeated").isEmpty)
        try await fixture.addPage([post("two", at: 90)])
        #expect(try await fixture.find("verdict:repeated") == ["two", "one"])
        #expect(try await fixture.find("verdict:unclean") == ["two", "one"])
        #expect(try await fixture.find("common") == ["two", "one"] + words(0..<3))
        #expect(try await fixture.find("twice", order: .relevance).count == 2)
        #expect(try await fixture.search().count() == 5)
        let digest = try #require(try fixture.archive.repeatedMessages(inPost: id("one")).first)
        for (original, copy) in [("one", "two"), ("two", "one")] {
            let named = OriginalPost(postID: id(original), ciphertext: digest, at: Timestamp(milliseconds: 1))
            try await ArchiveWriter(fixture.directory).append(
                OriginalPost.document([named], at: named.at), objects: .original)
            #expect(try await fixture.find("verdict:repeated") == [copy])
            #expect(try await fixture.find("verdict:clean common") == [original] + words(0..<3))
        }
    }

    @Test("an old revision that arrives later shows that what is indexed was rolled back")
    func laterRevision() async throws {
        let fixture = try await fixture(3)
        let first = EncryptedMessage.seal(Array("common first".utf8), from: fixture.bob, to: [fixture.own.publicKey])
        func post(
            _ word: String, _ payload: String, editAt: Int64 = 0, deleteAt: Int64 = 0, original: String = ""
        ) -> (id: String, json: String) {
            Fixture.post(
                word, by: "bob", original: original, at: Fixture.first, editAt: editAt, deleteAt: deleteAt,
                type: "custom_e2ee", message: "Encrypted message", payload: payload)
        }
        let (second, third) = (Fixture.first + 60_000, Fixture.first + 120_000)
        try await fixture.addPage([post("post", Fixture.json(first), editAt: third)])
        #expect(try await fixture.find("verdict:rolledBack").isEmpty)
        try await fixture.addPage([
            post("old", Fixture.json(first), deleteAt: second, original: "post"),
            post(
                "between", Fixture.payload("between", from: fixture.bob, to: [fixture.own.publicKey]), editAt: second,
                deleteAt: third, original: "post"),
        ])
        #expect(try await fixture.find("verdict:rolledBack") == ["post"])
    }

    @Test("while another process makes an index, this one finds everything and writes nothing")
    func locked() async throws {
        let fixture = try await fixture(3)
        #expect(try await fixture.find("common") == words(0..<3))
        let files = try fixture.sealed
        let folder = try #require(SealedFolder(fixture.directory, Keyring([fixture.own])))
        let lock = try #require(folder.lock())
        try await addPosts(3..<6, to: fixture)
        #expect(try await fixture.find("common") == words(0..<6))
        #expect(try fixture.sealed.filter { $0.key.hasSuffix(".age") } == files.filter { $0.key.hasSuffix(".age") })
        withExtendedLifetime(lock) {}
    }

    // MARK: Damage

    @Test("an index that is cut or changed anywhere is made anew, and never believed")
    func damage() async throws {
        let fixture = try await fixture(8)
        let expected = words(0..<8)
        #expect(try await fixture.find("common") == expected)
        let files = try fixture.sealed
        var random = Seeded(1)
        for (name, bytes) in files where name.hasSuffix(".age") {
            let cuts = [0, 1, 21, bytes.count / 2, bytes.count - 1]
            for cut in cuts {
                try fixture.replaceSealed(files.merging([name: Array(bytes[..<cut])]) { $1 })
                #expect(try await fixture.find("common") == expected, "\(name) cut at \(cut)")
            }
            for _ in 0..<40 {
                var changed = bytes
                changed[Int.random(in: 0..<bytes.count, using: &random)] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                try fixture.replaceSealed(files.merging([name: changed]) { $1 })
                #expect(try await fixture.find("common") == expected)
            }
            try fixture.replaceSealed(files.filter { $0.key != name })
            #expect(try await fixture.find("common") == expected, "without \(name)")
        }
    }

    @Test("an index of another vault, of another generation, or of a longer archive is none")
    func foreign() async throws {
        let fixture = try await fixture(4)
        let other = try await self.fixture(0)
        // The same keys, another vault.
        try await other.addPage([fixture.encrypted("elsewhere", "common elsewhere")])
        #expect(try await other.find("common", [fixture.own]) == ["elsewhere"])
        try fixture.replaceSealed(try other.sealed)
        #expect(try await fixture.find("common") == words(0..<4))

        // Parts of an earlier generation under the names of later ones.
        let first = try fixture.sealed
        try await addPosts(4..<8, to: fixture)
        #expect(try await fixture.find("common") == words(0..<8))
        let second = try fixture.sealed
        let old = try #require(first.keys.first { $0.hasSuffix(".age") && !$0.hasSuffix("manifest.age") })
        let new = try #require(second.keys.first { $0.hasSuffix(".age") && first[$0] == nil })
        var exchanged = second
        (exchanged[old], exchanged[new]) = (second[new], second[old])
        try fixture.replaceSealed(exchanged)
        #expect(try await fixture.find("common") == words(0..<8))

        // An index from before is brought up to date.
        try fixture.replaceSealed(first)
        #expect(try await fixture.find("common") == words(0..<8))

        // The archive was put back to an earlier state, and went on differently.
        let archive = try #require(try PrivateFile.read(fixture.directory.archivePath))
        try await addPosts(8..<12, to: fixture)
        #expect(try await fixture.find("common") == words(0..<12))
        for suffix in ["-wal", "-shm"] { PrivateFile.remove(fixture.directory.archivePath + suffix) }
        try Data(archive).write(to: URL(fileURLWithPath: fixture.directory.archivePath))
        #expect(try await fixture.find("common") == words(0..<8))
        try await fixture.addPage([fixture.encrypted("other", "common otherwise", at: Fixture.first + 90)])
        #expect(try await fixture.find("common") == ["other"] + words(0..<8))
    }

    @Test(
        "the stock sqlite3 finds a part whole, and stock age opens it with the identity that is handed out",
        .enabled(if: StockTool.isInstalled("age"), "age(1) is not installed"))
    func stockTools() async throws {
        let fixture = try await fixture()
        #expect(try await fixture.find("common") == words(0..<12))
        let keyring = Keyring([fixture.own])
        let identity = try #require(Search.identity(of: keyring))
        for (name, sealed) in try fixture.sealed where name.hasSuffix(".age") {
            let opened = try await StockTool.run(
                "age", ["-d", "-i", "-", "\(fixture.directory.searchPath)/\(name)"], input: identity)
            #expect(opened.count > 100 && opened.count < sealed.count)
            let isManifest = name.hasSuffix("manifest.age")
            #expect(String(decoding: opened.prefix(6), as: UTF8.self) == (isManifest ? #"{"form"# : "SQLite"))
        }
    }
}
