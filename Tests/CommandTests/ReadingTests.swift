import Bytes
import DemoServer
import Foundation
import Testing

@testable import mmvault

/// Which channel is meant, and which part of it.
@Suite struct ReadingTests {
    /// Two teams that have a channel of the same name, and one with a name that no list has room for.
    private static func story() -> Story {
        let story = Story()
        let world = story.world
        let team = world.addTeam(name: "dock", displayName: "Dock", members: [story.alice.id, story.bob.id])
        for name in ["release", "square-with-a-name-that-goes-on-and-on-and-on"] {
            let channel = world.addChannel(
                team: team, name: name, displayName: "Other \(name)", type: .open, members: [story.alice.id])
            world.post(in: channel, by: story.bob.id, message: "in \(name)")
        }
        return story
    }

    @Test func channels_AreListedByTeam() async throws {
        try await Stage.with(story: ReadingTests.story()) { stage in
            try await stage.settle()
            let lines = try await stage.run("mmvault channels").lines
            #expect(lines.allSatisfy { String($0).columns <= 80 })
            let names = lines.map { $0.prefix { $0 != " " } }
            #expect(
                names == [
                    "Dock:", "release", "square-with-a-name-that-goes-…", "Harbour:", "release", "town-square",
                    "Direct", "@bob",
                ])
        }
    }

    @Test func channelsJSON_HasTheNamedKeys() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault channels --json")
            #expect(outcome.code == 0 && outcome.lines.count == 3)
            for line in outcome.lines {
                let keys = try JSONDocument(Array(line.utf8)).root.members.map(\.key)
                #expect(
                    keys == [
                        "id", "name", "display_name", "kind", "team", "posts", "deleted", "first", "last", "delete_at",
                        "absence", "hidden_until", "gaps", "may_lack_revisions",
                    ])
            }
        }
    }

    @Test func channel_IsFoundByWhateverItIsCalled() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for name in ["bob", "@bob", "Bob", stage.story.direct] {
                let outcome = try await stage.run("mmvault read \(name) --key key.asc --mine")
                #expect(outcome.code == 0 && outcome.output.contains("I found it."), "\(name)")
            }
            for name in ["town-square", "'~town-square'", "'Town Square'", stage.story.square] {
                #expect(try await stage.run("mmvault read \(name)").output.contains("coffee machine"), "\(name)")
            }
        }
    }

    @Test func ambiguousName_IsAnErrorWithTheCandidates() async throws {
        try await Stage.with(story: ReadingTests.story()) { stage in
            try await stage.settle()
            let outcome = try await stage.run("mmvault read release")
            #expect(outcome.code == 9 && outcome.output.isEmpty)
            let words = outcome.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
            #expect(words.contains("several channels are called “release”") && words.contains(stage.story.release))
            #expect(words.contains("public channel of Dock") && words.contains("private channel of Harbour"))
            #expect(try await stage.run("mmvault read \(stage.story.release)").code == 0)
        }
    }

    /// Every command that takes a channel says what the archive has that the name may mean.
    @Test(arguments: [
        ("releas", "Release 発売 (private channel"), ("relaese", "Release 発売 (private channel"),
        ("elease", "Release 発売 (private channel"), ("town-sqare", "Town Square (public channel"),
        ("@bbo", "@bob (direct messages"), ("~square", "Town Square (public channel"),
    ])
    func misspeltChannel_IsAnErrorWithWhatMayBeMeant(_ name: String, _ meant: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for line in [
                "read \(name)", "verify --channel \(name)", "export jsonl out --channel \(name)",
                "status --channel \(name)", "audit --channel \(name)",
            ] {
                let outcome = try await stage.run("mmvault \(line)")
                let words = outcome.errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
                #expect(outcome.code == 9 && words.contains("hint: did you mean \(meant)"), "\(line): \(words)")
            }
            let pull = try await stage.run("mmvault pull --channel '\(name)'")
            let label = meant.prefix { $0 != "(" }.trimmingCharacters(in: .whitespaces)
            #expect(pull.code == 9 && pull.errors.contains("hint: did you mean \(label)? Nothing was fetched\n"))
            let team = try await stage.run("mmvault export jsonl out --team harbor")
            #expect(team.code == 9 && team.errors.contains("hint: there is harbour\n"), "\(team.errors)")
            #expect(try await stage.run("mmvault export jsonl out --team Harbour").code == 0)
        }
    }

    @Test func thread_IsShownFromAnyOfItsPosts() async throws {
        let story = Story()
        let start = story.world.post(in: story.square, by: story.bob.id, message: "Who is in?")
        let answer = story.world.post(in: story.square, by: story.carol.id, message: "Me", root: start)
        story.world.post(in: story.square, by: story.alice.id, message: "Something else")
        story.world.post(in: story.square, by: story.alice.id, message: "Me, too", root: start)
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            for id in [start, answer] {
                let text = try await stage.run("mmvault read town-square --thread \(id)").output
                    .replacing(/\d\d:\d\d/, with: "HH:MM")
                #expect(
                    text.hasSuffix(
                        "Who is in?\n  ↳ HH:MM  Carol (@carol)\n           Me\n  ↳ HH:MM  Alice (@alice)\n           Me, too\n"
                    ))
            }
            let around = try await stage.run("mmvault read town-square --around \(answer)").output
                .replacing(/\d\d:\d\d/, with: "HH:MM")
            #expect(around.contains("\n> ↳ HH:MM  Carol (@carol)\n           Me\n\nHH:MM  Alice"))
            let elsewhere = try await stage.run("mmvault read release --around \(answer)")
            #expect(elsewhere.code == 9 && elsewhere.errors.contains("it is in Town Square"))
        }
    }

    /// Neither encrypted nor signed, in the place of something that should be both.
    @Test func clearTextInAnEncryptedPost_IsNowhereTakenForItsAuthors() async throws {
        let story = Story()
        story.world.post(in: story.release, by: story.bob.id, message: "Lunch in the clear", type: "custom_e2ee")
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let read = try await stage.run("mmvault read release --key key.asc --mine").output
                .split(whereSeparator: \.isWhitespace).joined(separator: " ")
            let words =
                "an encrypted post without a payload; a text stands there in the clear, not encrypted and not signed"
            #expect(read.replacing(" ! ", with: " ").contains("NOT VERIFIED (unchecked: \(words)) Lunch in the clear"))
            let found = try await stage.run("mmvault search lunch --key key.asc --mine")
            #expect(found.output.contains("NOT VERIFIED") && found.lines.allSatisfy { String($0).columns <= 80 })
            let json = try await stage.run("mmvault search lunch --json --key key.asc --mine").output
            #expect(json.contains(#""text":null"#) && json.contains(#""unverified_text":"Lunch in the clear""#))
            let export = try await stage.run("mmvault export markdown out --key key.asc --mine; grep -r Lunch out")
            #expect(export.output.contains(" withheld: not verified; ") && !export.output.contains("Lunch"))
        }
    }
}
