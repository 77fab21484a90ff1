import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// What the server tells is on the disk at once, whatever a walk, its files or the server's failures are waiting for.
struct FollowBesideWalkTests {
    /// What goes wrong with requests of which a part of the path is known, until the gate is opened.
    private final class Obstacle: Sendable {
        private let state = Box<(part: String, isOpen: Bool, fault: Fault?)>(("", false, nil))
        let met = Box(0)

        /// - Parameter fault: nil to hold the answer, as it was when it was asked for.
        func set(_ part: String, _ fault: Fault? = nil) { state.value = (part, false, fault) }

        func open() { state.change { $0.isOpen = true } }

        func meet(_ request: ServerRequest) -> Fault? {
            let (part, isOpen, fault) = state.value
            guard !part.isEmpty, !isOpen, request.target.contains(part) else { return nil }
            met.change { $0 += 1 }
            return fault
                ?? .hold { [state] in
                    while !state.value.isOpen, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
                }
        }
    }

    private func withTown(_ body: (Town, Obstacle) async throws -> Void) async throws {
        let obstacle = Obstacle()
        try await Town.with(interceptor: { obstacle.meet($0) }, { town in try await body(town, obstacle) })
    }

    /// Nobody reaches what is behind the obstacle, and the archive has what was written meanwhile, also of a post that is
    /// gone for good by then.
    private func expectArchivedMeanwhile(_ town: Town, _ obstacle: Obstacle) async throws {
        try await eventually("the obstacle is met") { obstacle.met.value > 0 }
        let post = town.write(1)[0]
        let gone = town.world.post(in: town.channel, by: town.bob, message: "for a moment")
        town.world.purge(gone)
        try await eventually("both are there") { try town.versions(post).count == 1 && town.versions(gone).count == 1 }
    }

    @Test func whileAFileIsFetched() async throws {
        try await withTown { town, obstacle in
            try await Following.with(town) { _ in
                obstacle.set("/api/v4/files/")
                let file = Attachment(name: "slow.txt", content: Array("slow".utf8))
                town.world.post(in: town.channel, by: town.bob, message: "a file", files: [file])
                try await expectArchivedMeanwhile(town, obstacle)
                #expect(try town.heldFiles() == 0)
                obstacle.open()
                try await eventually("the file is there") { try town.heldFiles() == 1 }
            }
        }
    }

    @Test func whileAnAnswerOfTheWalkIsAwaited() async throws {
        try await withTown { town, obstacle in
            let deleted = town.write(3)[0]
            try await Following.with(town) { _ in
                obstacle.set("/channels/\(town.channel)/posts?")
                town.world.delete(deleted)
                try await expectArchivedMeanwhile(town, obstacle)
                #expect(try town.states(deleted) == [.live])
                obstacle.open()
                try await eventually("the tombstone is there") { try town.states(deleted) == [.earlier, .deleted] }
            }
            try await town.expectTruth()
        }
    }

    @Test func whileTheServerFails() async throws {
        try await withTown { town, obstacle in
            let deleted = town.write(3)[0]
            let patience = Patience(attempts: 1_000_000, firstDelay: 0.01, longestDelay: 0.01, longestRequestedDelay: 0)
            try await Following.with(town, patience: patience) { _ in
                obstacle.set("/channels/\(town.channel)/posts?", .status(500))
                town.world.delete(deleted)
                try await expectArchivedMeanwhile(town, obstacle)
                obstacle.open()
                try await eventually("the tombstone is there") { try town.states(deleted) == [.earlier, .deleted] }
            }
            try await town.expectTruth()
        }
    }

    @Test func whileAHistoryIsAwaited() async throws {
        try await withTown { town, obstacle in
            town.world.version = "7.0.0"
            let edited = town.write(1)[0]
            town.world.edit(edited, message: "of which nobody saw what it said before")
            obstacle.set("/edit_history")
            try await Following.with(town, isAtOnce: true) { following in
                try await expectArchivedMeanwhile(town, obstacle)
                obstacle.open()
                try await following.caughtUp()
            }
        }
    }

    @Test(arguments: ["/posts?page=0", "/posts?since=1&", "/api/v4/files/", "/members?"])
    func whileTheFirstPullGoesOn(_ part: String) async throws {
        try await withTown { town, obstacle in
            town.write(3)
            let file = Attachment(name: "slow.txt", content: Array("slow".utf8))
            town.world.post(in: town.channel, by: town.bob, message: "a file", files: [file])
            obstacle.set(part)
            try await Following.with(town, isAtOnce: true) { following in
                try await eventually("it is connected") { following.isConnected }
                try await expectArchivedMeanwhile(town, obstacle)
                #expect(!following.isPulled)
                obstacle.open()
                try await following.caughtUp()
            }
            try await town.expectTruth()
        }
    }

    /// Until the list of channels is there, nobody knows which of them are wanted.
    @Test func onlyChosenChannelsAreArchivedAlsoDuringTheFirstPull() async throws {
        try await withTown { town, obstacle in
            let other = town.world.addChannel(
                team: town.team, name: "cake", displayName: "Cake", type: .open, members: [town.alice, town.bob])
            var selection = Pull.Selection()
            selection.channels = ["tea"]
            obstacle.set("/users/me/teams")
            try await Following.with(town, selection, isAtOnce: true) { following in
                try await eventually("it is connected") { following.isConnected && obstacle.met.value > 0 }
                let unwanted = town.world.post(in: other, by: town.bob, message: "not asked for")
                let gone = town.write(1)[0]
                town.world.delete(unwanted)
                town.world.purge(gone)
                obstacle.open()
                try await eventually("the post is there") { try town.versions(gone).count == 1 }
                try await following.caughtUp()
                #expect(try town.stored(other).isEmpty)
            }
            #expect(town.postRequests(other).isEmpty)
        }
    }

    @Test func nothingIsArchivedForAnotherUsersToken() async throws {
        try await withTown { town, obstacle in
            let directory = try town.directory()
            let token = town.world.issueToken(for: town.bob)
            try Session(address: town.address, userID: town.alice, username: "alice", token: token).save(in: directory)
            obstacle.set("/api/v4/users/me")
            let end = ExporterError.otherUser(expected: "alice", found: "bob")
            try await Following.with(town, isAtOnce: true, endingWith: end) { following in
                try await eventually("it is connected") { following.isConnected && obstacle.met.value > 0 }
                town.write(1)
                obstacle.open()
                #expect(await following.ended() == end)
            }
            #expect(try town.stored().isEmpty)
        }
    }

    // MARK: Answers that are older than events

    /// What the held answer says is known of neither post: it is the first one, or was said since the last pull.
    @Test(arguments: ["/posts?page=0", "/posts?since="])
    func anAnswerTakesBackNoEventThatCameSinceItWasAskedFor(_ part: String) async throws {
        try await withTown { town, obstacle in
            let edited = town.world.post(in: town.channel, by: town.bob, message: "before")
            let deleted = town.world.post(in: town.channel, by: town.bob, message: "before")
            if part == "/posts?since=" { try await town.pullAll() }
            for post in [edited, deleted] { town.world.edit(post, message: "before the question") }
            obstacle.set(part)
            try await Following.with(town, isAtOnce: true) { following in
                try await eventually("it is connected") { following.isConnected && obstacle.met.value > 0 }
                town.world.edit(edited, message: "after the question")
                town.world.edit(deleted, message: "edited")
                town.world.delete(deleted)
                try await eventually("the events are there") {
                    try town.versions(edited).last.map(text)?.contains("after the question") == true
                        && town.versions(deleted).last.map(text)?.contains("edited") == true
                }
                obstacle.open()
                try await following.caughtUp()
                #expect(try town.versions(edited).last.map(text)?.contains("after the question") == true)
                #expect(try town.states(deleted).last == .deleted)
                // What the answer said is kept.
                for id in [edited, deleted] {
                    let texts = try town.stored().filter { $0.header.identityID == id }.map(text)
                    #expect(texts.contains { $0.contains("before the question") })
                }
            }
            try await town.expectTruth()
        }
    }

    private func text(_ version: StoredVersion) -> String { String(decoding: version.json, as: UTF8.self) }
}

extension Town {
    /// How many files the archive holds.
    fileprivate func heldFiles() throws -> Int { try archive().namedFiles().count { $0.record?.content != nil } }
}
