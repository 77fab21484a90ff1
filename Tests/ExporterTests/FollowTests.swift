import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// What happens on the server while an archive is kept up to date.
struct FollowTests {
    private func holds(_ town: Town, _ id: String, _ states: [PostState]) throws -> Bool {
        try town.states(id) == states
    }

    private func text(_ version: StoredVersion) -> String { String(decoding: version.json, as: UTF8.self) }

    @Test func aPostIsArchivedByItsEventAlone() async throws {
        try await Town.with { town in
            town.write(3)
            try await Following.with(town) { following in
                let requests = town.server.requests.count
                let post = town.write(1)[0]
                try await eventually("the post is there") { try holds(town, post, [.live]) }
                #expect(town.server.requests.count == requests)
                #expect(following.gapCount == 0)
                let version = try town.versions(post)[0]
                #expect(text(version) == town.world.post(post)?.json)
            }
            try await town.expectTruth()
        }
    }

    @Test func anEditAddsAVersionAndAPinIsNoNews() async throws {
        try await Town.with { town in
            try await Following.with(town) { _ in
                let posts = town.write(2)
                town.world.edit(posts[0], message: "edited <&> “ä” \\ \u{2028}")
                town.world.pin(posts[1])
                try await eventually("the edit is there") { try holds(town, posts[0], [.earlier, .live]) }
                try await eventually("the pin is there") {
                    guard let last = try town.versions(posts[1]).last else { return false }
                    return text(last).contains(#""is_pinned":true"#)
                }
                #expect(try holds(town, posts[1], [.live]))
            }
            try await town.pullAll()
            try await town.expectTruth()
        }
    }

    @Test func theTextOfADeletedPostIsKeptAndTheTombstoneComes() async throws {
        try await Town.with { town in
            try await Following.with(town) { _ in
                let root = town.write(1)[0]
                let reply = town.write(1, root: root)[0]
                try await eventually("both are there") {
                    try holds(town, root, [.live]) && holds(town, reply, [.live])
                }
                town.world.delete(root)
                // Of the reply no event tells.
                try await eventually("both are deleted") {
                    try holds(town, root, [.earlier, .deleted]) && holds(town, reply, [.earlier, .deleted])
                }
                #expect(text(try town.versions(root)[0]).contains(#""message":"post 0""#))
            }
            try await town.expectTruth()
        }
    }

    @Test func aPostThatIsDeletedAtOnceKeepsItsText() async throws {
        try await Town.with { town in
            try await Following.with(town) { _ in
                for _ in 0..<20 {
                    let post = town.write(1)[0]
                    town.world.edit(post, message: "thought better of it")
                    town.world.delete(post)
                    try await eventually("it is deleted") { try town.versions(post).last?.state == .deleted }
                    // Its texts may have come before the tombstone, or behind it as old revisions.
                    let texts = try town.stored().filter { $0.header.identityID == post }.map(text)
                    #expect(texts.contains { $0.contains(#""message":"post 0""#) })
                    #expect(texts.contains { $0.contains("thought better of it") })
                }
            }
            try await town.expectTruth()
        }
    }

    @Test func whatAConnectionMissesIsReplayed() async throws {
        try await Town.with { town in
            try await Following.with(town) { following in
                town.world.misbehaveLive { $0.name == "posted" ? .cut : nil }
                let lost = town.write(1)[0]
                let during = town.write(1)[0]
                town.world.misbehaveLive(nil)
                let requests = town.postRequests().count
                try await eventually("both are there") {
                    try holds(town, lost, [.live]) && holds(town, during, [.live])
                }
                #expect(following.resumedCount == 1)
                #expect(following.gapCount == 0)
                #expect(town.postRequests().count == requests)
            }
            try await town.expectTruth()
        }
    }

    @Test func whereNothingIsReplayedTheWalkAsks() async throws {
        try await Town.with { town in
            try await Following.with(town) { following in
                town.world.misbehaveLive { $0.name == "posted" ? .cut : nil }
                let lost = town.write(1)[0]
                town.world.hangUp(forgets: true)
                town.world.misbehaveLive(nil)
                try await eventually("it is there") { try holds(town, lost, [.live]) }
                #expect(following.newCount == 2)
            }
            try await town.expectTruth()
        }
    }

    @Test(arguments: [LiveFault.lost, .garbled])
    func anEventThatDoesNotComeIsAskedFor(_ fault: LiveFault) async throws {
        try await Town.with { town in
            try await Following.with(town) { following in
                town.world.misbehaveLive { $0.name == "posted" ? fault : nil }
                let lost = town.write(1)[0]
                town.world.misbehaveLive(nil)
                let next = town.write(1)[0]
                try await eventually("both are there") { try holds(town, lost, [.live]) && holds(town, next, [.live]) }
                #expect(following.gapCount == 1)
                #expect(following.newCount == 1)
            }
            try await town.expectTruth()
        }
    }

    @Test func aSilentConnectionIsGivenUp() async throws {
        try await Town.with { town in
            var pace = FollowPace.eager
            pace.silence = 0.5
            try await Following.with(town, pace: pace) { following in
                town.world.misbehaveLive { $0.name == "posted" ? .silence : nil }
                let lost = town.write(1)[0]
                town.world.misbehaveLive(nil)
                try await eventually("it is there") { try holds(town, lost, [.live]) }
                // A machine that is busy may find the second one silent, too, and then nothing is replayed.
                try await eventually("it is connected again") { following.resumedCount + following.newCount >= 2 }
            }
            try await town.expectTruth()
        }
    }

    @Test func nonsenseOnTheWireHarmsNothing() async throws {
        try await Town.with { town in
            let nonsense = [
                "", "null", "[]", "{}", "{\"event\":\"posted\"}", "{\"event\":\"posted\",\"data\":{},\"seq\":-1}",
                "{\"event\":\"posted\",\"data\":{\"post\":\"{}\"},\"seq\":1}", "{},{}", "\u{0}",
                String(repeating: "[", count: 1000),
            ]
            try await Following.with(town) { following in
                for text in nonsense {
                    let desk = FollowDesk(isSelective: false)
                    #expect(desk.take(Array(text.utf8), at: .now) == .gap, "\(text)")
                    // A flood of them is one gap.
                    #expect(desk.take(Array(text.utf8), at: .now) == .none, "\(text)")
                    #expect(desk.takeFrames().isEmpty)
                    #expect(desk.askForMissed())
                    #expect(desk.takeAgenda().everything)
                }
            }
        }
    }

    @Test func aServerThatRestartsIsWaitedFor() async throws {
        let isDown = Box(false)
        try await Town.with(
            interceptor: { _ in isDown.value ? .reset : nil },
            { town in
                try await Following.with(town) { following in
                    isDown.value = true
                    town.world.hangUp(forgets: true)
                    let missed = town.write(1)[0]
                    try await Task.sleep(for: .milliseconds(300))
                    isDown.value = false
                    try await eventually("it is there") { try holds(town, missed, [.live]) }
                    let later = town.write(1)[0]
                    try await eventually("the next one is there") { try holds(town, later, [.live]) }
                }
                try await town.expectTruth()
            })
    }

    @Test func aNewChannelIsFetchedWithItsHistory() async throws {
        try await Town.with { town in
            let other = town.world.addChannel(
                team: town.team, name: "cake", displayName: "Cake", type: .private, members: [town.bob])
            let before = town.world.post(in: other, by: town.bob, message: "before Alice came")
            try await Following.with(town) { _ in
                town.world.join(town.alice, other)
                let after = town.world.post(in: other, by: town.bob, message: "welcome")
                try await eventually("its history is there") {
                    try town.versions(before, in: other).count == 1 && town.versions(after, in: other).count == 1
                }
                let direct = town.world.addDirectChannel(town.alice, town.bob)
                let message = town.world.post(in: direct, by: town.bob, message: "psst")
                try await eventually("the direct channel is there") {
                    try town.versions(message, in: direct).count == 1
                        && town.archive().channels().contains { $0.id == direct && $0.kind == .direct }
                }
            }
            for channel in try town.archive().channels() { try await town.expectTruth(channel.id) }
        }
    }

    @Test func aNewChannelWhoseMembersAreRefusedIsFetchedAllTheSame() async throws {
        let refusal = #"{"id":"api.context.permissions.app_error","message":"You may not.","status_code":403}"#
        let other = Box("")
        try await Town.with(
            interceptor: { request in
                request.path == "/api/v4/channels/\(other.value)/members" ? .status(403, body: refusal) : nil
            },
            { town in
                try await Following.with(town) { _ in
                    let channel = town.world.addChannel(
                        team: town.team, name: "cake", displayName: "Cake", type: .private, members: [town.bob])
                    other.change { $0 = channel }
                    // Of this one no event tells her: only the walk brings it.
                    let before = town.world.post(in: channel, by: town.bob, message: "before Alice came")
                    town.world.join(town.alice, channel)
                    try await eventually("its history is there") {
                        try town.versions(before, in: channel).count == 1
                    }
                }
                try await town.expectTruth(other.value)
            })
    }

    @Test func aNewKeyIsSeenAtOnce() async throws {
        try await Town.with { town in
            town.write(1)
            town.world.pushKey(town.bob, encr: KeyPinningTests.point(1), sign: KeyPinningTests.point(2))
            try await Following.with(town) { following in
                town.world.pushKey(town.bob, encr: KeyPinningTests.point(3), sign: KeyPinningTests.point(4))
                try await eventually("the key is there") { !following.keyChanges.isEmpty }
                #expect(following.keyChanges.map(\.userID) == [town.bob])
                #expect(try town.archive().knownKeys()[town.bob]?.count == 2)
            }
        }
    }

    /// The event says that the key is another one, and the server shows the key until the next one comes.
    @Test func keysThatChangeInQuickSuccessionAreSeen() async throws {
        try await Town.with { town in
            town.write(1)
            town.world.pushKey(town.bob, encr: KeyPinningTests.point(1), sign: KeyPinningTests.point(2))
            // As slow as a real following: it waits a while before it asks for anything else.
            var pace = FollowPace.eager
            pace.settle = 0.2
            try await Following.with(town, pace: pace) { following in
                for number in [3, 5, 7] as [UInt8] {
                    town.world.pushKey(
                        town.bob, encr: KeyPinningTests.point(number), sign: KeyPinningTests.point(number + 1))
                    try await Task.sleep(for: .milliseconds(30))
                }
                try await eventually("every change is seen or told") {
                    following.keyChanges.count + following.unseenKeys == 3
                }
                #expect(try town.archive().knownKeys()[town.bob]?.count == 1 + following.keyChanges.count)
                // What the events said is kept.
                try await eventually("each event is archived") {
                    try town.archive().keyEvents(of: town.bob).count == 3
                }
            }
            #expect(try await town.archive().check().isClean)
        }
    }

    /// A proxy before the server lets no WebSocket through.
    @Test func withoutAWebSocketItPolls() async throws {
        try await Town.with(
            interceptor: { $0.path == "/api/v4/websocket" ? .status(403) : nil },
            { town in
                var pace = FollowPace.eager
                (pace.attempt, pace.poll) = (0.05, 0.2)
                try await Following.with(town, pace: pace, isAtOnce: true) { following in
                    try await eventually("it has pulled") { following.isPulled }
                    let post = town.write(1)[0]
                    try await eventually("the post is there") { try holds(town, post, [.live]) }
                    #expect(following.pollingCount == 1)
                }
            })
    }

    @Test func onlyTheChannelsAskedForAreFollowed() async throws {
        try await Town.with { town in
            let other = town.world.addChannel(
                team: town.team, name: "cake", displayName: "Cake", type: .open, members: [town.alice, town.bob])
            var selection = Pull.Selection()
            selection.channels = ["tea"]
            try await Following.with(town, selection) { _ in
                town.world.post(in: other, by: town.bob, message: "not asked for")
                let post = town.write(1)[0]
                try await eventually("the post is there") { try holds(town, post, [.live]) }
                #expect(try town.stored(other).isEmpty)
            }
        }
    }

    @Test func anEndedSessionEndsIt() async throws {
        try await Town.with { town in
            try await Following.with(town, endingWith: .sessionExpired(server: town.url)) { following in
                town.world.revoke(town.token)
                town.world.hangUp(forgets: true)
                #expect(await following.ended() == .sessionExpired(server: town.url))
            }
        }
    }

    @Test func nobodyElseWritesMeanwhile() async throws {
        try await Town.with { town in
            try await Following.with(town) { _ in
                await #expect(throws: ExporterError.self) { try await town.pull() }
            }
            try await town.pullAll()
        }
    }

    /// Whatever happens in whatever order, a pull behind it finds the same posts as it would have found by itself.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func aBusyDayEndsAsAPullWould(_ seed: UInt64) async throws {
        try await Town.with(seed: seed, tick: 1) { town in
            town.write(20)
            try await Following.with(town) { following in
                var generator = SystemRandomNumberGenerator()
                let faults: [LiveFault?] = [nil, nil, nil, nil, nil, nil, nil, .lost, .garbled, .cut]
                town.world.misbehaveLive { _ in faults.randomElement() ?? nil }
                var live: [String] = []
                for _ in 0..<300 {
                    switch Int.random(in: 0..<10, using: &generator) {
                    case 0 where !live.isEmpty:
                        town.world.delete(live.remove(at: Int.random(in: 0..<live.count, using: &generator)))
                    case 1, 2, 3:
                        if let post = live.randomElement() { town.world.edit(post, message: "edit \(UUID())") }
                    case 4: if let post = live.randomElement() { town.world.pin(post) }
                    case 5: if let post = live.randomElement() { town.world.react(post, by: town.bob) }
                    default: live += town.write(1)
                    }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0..<6, using: &generator)))
                }
                town.world.misbehaveLive(nil)
                // That an event was lost is seen when the next one comes.
                town.write(1)
                do {
                    try await eventually("the last ones are there") {
                        try town.differences(where: { $0.isLive && $0.reactions.isEmpty }).isEmpty
                    }
                } catch {
                    let differences = try town.differences(where: { $0.isLive && $0.reactions.isEmpty })
                    let told = following.events.value.suffix(20).map { "\($0)".prefix(300) }
                    Issue.record("\(differences.prefix(3)) \(told)")
                }
            }
            try await town.pullAll()
            try await town.expectTruth()
        }
    }
}
