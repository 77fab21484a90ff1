import Archive
import DemoServer
import Testing

@testable import Exporter

/// What newer servers tell an author about what their posts said before.
@Suite struct HistoryTests {
    private static func questions(_ town: Town) -> [String] {
        town.server.requests.map(\.path).filter { $0.hasSuffix("/edit_history") }
    }

    private func texts(_ town: Town, _ id: String) throws -> Set<String> {
        let revisions = try town.stored().filter { $0.header.originalID == id }
        return Set(
            revisions.map { String(decoding: $0.json, as: UTF8.self) }.compactMap { json in
                json.split(separator: #""message":""#).last?.split(separator: "\"", omittingEmptySubsequences: false)
                    .first
                    .map(String.init)
            })
    }

    @Test func theTextsBeforeTheFirstPull_ComeFromANewerServer() async throws {
        try await Town.with { town in
            town.world.version = "10.5.1"
            let posts = town.write(3)
            town.world.edit(posts[1], message: "second")
            town.world.edit(posts[1], message: "third")
            try await town.pullAll()
            #expect(try texts(town, posts[1]).isSuperset(of: ["post 1", "second"]))
            #expect(HistoryTests.questions(town) == ["/api/v4/posts/\(posts[1])/edit_history"])
            // Revisions stay what they are: the newest version of the post is the post.
            #expect(try town.versions(posts[1]).last?.state == .live)
            #expect(try await town.archive().check().isClean)
        }
    }

    @Test func eachPost_IsAskedAboutAgainOnlyForATextThatIsMissing() async throws {
        try await Town.with { town in
            town.world.version = "10.5.1"
            let posts = town.write(2)
            for post in posts { town.world.edit(post, message: "edited") }
            try await town.pullAll()
            #expect(HistoryTests.questions(town).count == 2)
            // What stood there before each of these edits was seen.
            for round in 1...2 {
                town.world.advance(by: 10_000_000)
                for post in posts { town.world.edit(post, message: "seen, \(round)") }
                try await town.pullAll()
            }
            #expect(HistoryTests.questions(town).count == 2)
            // Between two pulls, the first of two edits is not.
            for round in 1...2 {
                town.world.advance(by: 10_000_000)
                town.world.edit(posts[0], message: "missed, \(round)")
                town.world.edit(posts[0], message: "the last, \(round)")
                try await town.pullAll()
                #expect(HistoryTests.questions(town).count == 2 + round)
                #expect(try texts(town, posts[0]).isSuperset(of: ["missed, \(round)"]))
                town.write(1)
                try await town.pullAll()
                town.world.advance(by: 10_000_000)
                town.write(1)
                try await town.pullAll()
                #expect(HistoryTests.questions(town).count == 2 + round)
            }
            #expect(try await town.archive().check().isClean)
        }
    }

    /// They arrive in any order: from `since`, from the history, and as what the post itself said at an earlier pull.
    @Test(arguments: [PostQuery.Order.time, .threads])
    func whatAPostSaidBefore_StandsInTheOrderOfItsOwnTimes(_ order: PostQuery.Order) async throws {
        try await Town.with { town in
            town.world.version = "10.5.1"
            let post = town.write(1)[0]
            town.world.edit(post, message: "E1")
            try await town.pullAll()
            town.world.advance(by: 10_000_000)
            for text in ["E2", "E3"] { town.world.edit(post, message: text) }
            try await town.pullAll()
            town.world.advance(by: 10_000_000)
            town.write(1, root: post)
            for text in ["E4", "E5"] { town.world.edit(post, message: text) }
            try await town.pullAll()
            let plan = try town.archive().plan(PostQuery(channelID: town.channel, threadID: post, order: order))
            let said = try plan.load(0..<plan.count).filter { $0.header.identityID == post && $0.state.isOld }
                .compactMap { HistoryTests.message(of: $0) }.filter { !$0.isEmpty }
            var once: [String] = []
            for text in said where once.last != text { once.append(text) }
            let expected = ["post 0", "E1", "E2", "E3", "E4"]
            #expect(once == (order == .time ? expected : expected.reversed()))
        }
    }

    private static func message(of version: StoredVersion) -> String? {
        String(decoding: version.json, as: UTF8.self).split(separator: #""message":""#).last?
            .split(separator: "\"", omittingEmptySubsequences: false).first.map(String.init)
    }

    @Test func ofWhatTheArchiveSawItself_NobodyIsAsked() async throws {
        try await Town.with { town in
            town.world.version = "10.5.1"
            let posts = town.write(2)
            try await town.pullAll()
            town.world.advance(by: 10_000_000)
            town.world.edit(posts[0], message: "edited once")
            try await town.pullAll()
            #expect(HistoryTests.questions(town).isEmpty)
            // What it said in between was never seen.
            town.world.edit(posts[0], message: "edited twice")
            town.world.edit(posts[0], message: "edited three times")
            try await town.pullAll()
            #expect(HistoryTests.questions(town).count == 1)
            #expect(try texts(town, posts[0]).contains("edited twice"))
        }
    }

    @Test func ofOthersPosts_AndOfDeletedOnes_NobodyIsAsked() async throws {
        try await Town.with { town in
            town.world.version = "10.5.1"
            let bobs = town.world.post(in: town.channel, by: town.bob, message: "Bob's")
            town.world.edit(bobs, message: "Bob's, edited")
            let gone = town.write(1)[0]
            town.world.edit(gone, message: "edited")
            town.world.delete(gone)
            try await town.pullAll()
            #expect(HistoryTests.questions(town).isEmpty)
            try await town.expectTruth()
        }
    }

    /// Lists keep the payload of an encrypted revision and leave out its message, which a client may have written in the
    /// clear.
    @Test func aClearTextOfAnEncryptedPost_IsAskedForOnceForEachThatIsMissing() async throws {
        try await Town.with { town in
            town.world.version = "11.2.0"
            let sealed = town.world.post(
                in: town.channel, by: town.alice, message: "Encrypted message", type: "custom_e2ee",
                props: #"{"e2ee":{"version":1}}"#)
            let bobs = town.world.post(
                in: town.channel, by: town.bob, message: "Encrypted message", type: "custom_e2ee",
                props: #"{"e2ee":{"version":1}}"#)
            town.world.edit(sealed, message: "in the clear")
            town.world.edit(bobs, message: "Bob's, in the clear")
            town.world.edit(bobs, message: "Encrypted message 3")
            town.world.edit(sealed, message: "Encrypted message 7", props: #"{"e2ee":{"version":1,"iv":"x"}}"#)
            try await town.pullAll()
            #expect(HistoryTests.questions(town) == ["/api/v4/posts/\(sealed)/edit_history"])
            #expect(try texts(town, sealed) == ["Encrypted message", "in the clear"])
            // Nothing new of it.
            for _ in 0..<3 {
                town.world.advance(by: 10_000_000)
                town.write(1)
                try await town.pullAll()
            }
            #expect(HistoryTests.questions(town).count == 1)
            // Edited again, with one text that nobody saw, and then with none.
            town.world.advance(by: 10_000_000)
            town.world.edit(sealed, message: "in the clear again")
            town.world.edit(sealed, message: "Encrypted message 8")
            try await town.pullAll()
            town.world.advance(by: 10_000_000)
            town.world.edit(sealed, message: "seen")
            try await town.pullAll()
            #expect(HistoryTests.questions(town).count == 2)
            #expect(try texts(town, sealed).contains("in the clear again"))
            #expect(try await town.archive().check().isClean)
        }
    }

    /// From `since` without its text, and from the history with it: one revision.
    @Test func aRevision_IsReadOnceWithItsText() async throws {
        try await Town.with { town in
            town.world.version = "11.2.0"
            let plain = town.write(1)[0]
            let sealed = town.world.post(
                in: town.channel, by: town.alice, message: "Encrypted message", type: "custom_e2ee",
                props: #"{"e2ee":{"version":1}}"#)
            let bobs = town.world.post(in: town.channel, by: town.bob, message: "Bob's")
            for post in [plain, sealed, bobs] {
                town.world.edit(post, message: "second")
                town.world.edit(post, message: "third")
            }
            try await town.pullAll()
            try expectOnce(town, plain: plain, sealed: sealed, bobs: bobs)
            #expect(try await town.archive().check().isClean)
        }
    }

    private func expectOnce(_ town: Town, plain: String, sealed: String, bobs: String) throws {
        let archive = try town.archive()
        for order in [PostQuery.Order.time, .threads] {
            let plan = try archive.plan(PostQuery(channelID: town.channel, order: order))
            let versions = try plan.load(0..<plan.count).filter { $0.state == .revision }
            #expect(Set(versions.map(\.header.id)).count == 6 && versions.count == 6)
            let said = Dictionary(grouping: versions, by: \.header.identityID)
                .mapValues { Set($0.compactMap(HistoryTests.message)) }
            #expect(said == [plain: ["post 0", "second"], sealed: ["Encrypted message", "second"], bobs: [""]])
        }
        // What indexes what arrives, what counts, and what looks single versions up, agree.
        let arrivals = try archive.arrivals(after: 0, runLength: 100)
        #expect(arrivals.count == 9)
        #expect(try archive.differentVersionCount() == 9)
        let rows = try archive.lookup().versions(Array(1...20))
        #expect(Set(rows.map(\.header.id)).count == 9 && rows.count == 9)
        // Nothing is deleted.
        #expect(try archive.versionCounts()[town.channel] == 13)
    }

    @Test(arguments: ["6.2.0", ""]) func anOlderServer_IsNotAsked(_ version: String) async throws {
        try await Town.with { town in
            town.world.version = version
            town.world.edit(town.write(1)[0], message: "edited")
            try await town.pullAll()
            #expect(HistoryTests.questions(town).isEmpty)
        }
    }

    @Test(arguments: [403, 404, 501]) func aRefusal_IsNoFailureAndIsRemembered(_ status: Int) async throws {
        try await Town.with(
            interceptor: {
                $0.path.hasSuffix("/edit_history") ? .status(status, body: #"{"id":"x","message":"no"}"#) : nil
            },
            { town in
                town.world.version = "10.5.1"
                let posts = town.write(2)
                for post in posts { town.world.edit(post, message: "edited") }
                for _ in 0..<2 {
                    try await town.pullAll()
                    town.world.advance(by: 10_000_000)
                    town.write(1)
                }
                #expect(HistoryTests.questions(town).count == 2)
                try await town.pullAll()
                try await town.expectTruth()
            })
    }

    /// A server of 7 that does not have the route yet: once it has, the posts are asked about.
    @Test func aServerThatDoesNotKnowTheQuestion_IsAskedAgainLater() async throws {
        let isKnown = Box(false)
        try await Town.with(
            interceptor: {
                $0.path.hasSuffix("/edit_history") && !isKnown.value
                    ? .status(404, body: #"{"id":"api.context.404.app_error","message":"no","status_code":404}"#) : nil
            },
            { town in
                town.world.version = "7.0.0"
                let posts = town.write(3)
                for post in posts { town.world.edit(post, message: "edited") }
                try await town.pullAll()
                #expect(HistoryTests.questions(town).count == 1)
                isKnown.value = true
                town.write(1)
                try await town.pullAll()
                #expect(HistoryTests.questions(town).count == 4)
                #expect(try texts(town, posts[2]).contains("post 2"))
            })
    }

    @Test func aHistoryOfAnotherPost_IsNotTaken() async throws {
        try await Town.with(
            interceptor: {
                $0.path.hasSuffix("/edit_history")
                    ? .status(200, body: #"[{"id":"\#(String(repeating: "x", count: 26))"}]"#) : nil
            },
            { town in
                town.world.version = "10.5.1"
                town.world.edit(town.write(1)[0], message: "edited")
                let report = try await town.pull(
                    patience: Patience(attempts: 2, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0))
                #expect(report.failures.count == 1)
                #expect(try await town.archive().check().isClean)
            })
    }
}
