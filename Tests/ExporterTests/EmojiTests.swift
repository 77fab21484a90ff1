import Archive
import DemoServer
import TestSupport
import Testing

@testable import Exporter

/// The names of custom emoji, and who made them.
@Suite struct EmojiTests {
    @Test func customEmoji_AreKeptWithWhoMadeThem() async throws {
        try await Town.with { town in
            // More than a page, by somebody who is in no channel.
            let eve = town.world.addUser(username: "eve", nickname: "Eve")
            for number in 0..<201 { town.world.addEmoji("parrot\(number)", by: eve) }
            let report = try await town.pull()
            #expect(report.emojiFailure == nil)
            let emoji = try town.archive().customEmoji()
            #expect(emoji.count == 201 && emoji["parrot7"]?.creatorID == eve)
            #expect(try town.archive().users().contains { $0.id == eve })
            // The same answer again is no news.
            let documents = try town.archive().head().documents
            try await town.pull()
            let kinds = try await StockTool.shell(
                "sqlite3 '\(town.directory().archivePath)' \"SELECT record FROM document WHERE seq > \(documents)\"")
            #expect(!kinds.contains("kind emoji"))
            try await town.expectTruth()
        }
    }

    @Test func aServerWithoutCustomEmoji_IsPulledAsAnyOther() async throws {
        try await Town.with { town in
            town.world.disableEmoji()
            town.write(3)
            let report = try await town.pull()
            #expect(report.emojiFailure == nil && report.failures.isEmpty)
            // Asked once: 501 is an answer, and no failure that may pass.
            #expect(town.server.requests.filter { $0.path == "/api/v4/emoji" }.count == 1)
            try await town.expectTruth()
        }
    }

    @Test func aFailureOfTheList_KeepsNobodyFromThePosts() async throws {
        let isFailing: Town.Interceptor = { $0.path == "/api/v4/emoji" ? .status(500) : nil }
        try await Town.with(interceptor: isFailing) { town in
            town.write(3)
            let report = try await town.pull()
            guard case .noAnswer = report.emojiFailure else {
                Issue.record("\(String(describing: report.emojiFailure))")
                return
            }
            #expect(report.failures.isEmpty)
            try await town.expectTruth()
        }
    }

    @Test func anEmojiWithANameGivenAnew_IsTheLastOfThatName() async throws {
        try await Town.with { town in
            let first = town.world.addEmoji("parrot", by: town.alice)
            try await town.pull()
            let second = town.world.addEmoji("parrot", by: town.bob)
            try await town.pull()
            #expect(try town.archive().customEmoji()["parrot"]?.id == second && first != second)
        }
    }
}
