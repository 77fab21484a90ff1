import Archive
import Bytes
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// Random histories, which change while they are pulled, against the server's truth: a thousand of them, 25 to a server,
/// one after the other, so that each can be repeated, behind those before it on its server:
/// `MMVAULT_HISTORY=SEED swift test --filter RandomHistoryTests`.
struct RandomHistoryTests {
    /// Histories to a server.
    private static let size = 25

    /// Evaluated once, when the test begins; what it prints stands in the output of `swift test`.
    private static let batches: ClosedRange<Int> = {
        let wanted = ProcessInfo.processInfo.environment["MMVAULT_HISTORY"].flatMap { Int($0) }
        let batches = wanted.map { $0 / size...$0 / size } ?? 0...39
        print(
            "Random histories: the seeds \(batches.lowerBound * size) to \(batches.upperBound * size + size - 1), "
                + "\(size) to a server. Those of one server again: "
                + "MMVAULT_HISTORY=SEED swift test --filter RandomHistoryTests")
        return batches
    }()

    @Test(arguments: batches) func aHistoryEndsInTheArchiveAsItIs(_ batch: Int) async throws {
        let disturbance = Box<(@Sendable (World, ServerRequest) -> Void)?>(nil)
        try await Town.with(
            seed: UInt64(batch), tick: 1,
            afterRequest: { world, request in
                if request.isAboutPosts { disturbance.value?(world, request) }
            },
            { town in
                let directory = try town.directory()
                let writer = try ArchiveWriter(directory)
                let archive = try Archive(directory)
                try await MattermostClient.using(town.address, token: town.token, patience: .eager) {
                    client throws(ExporterError) in
                    for number in 0..<Self.size {
                        let history = History(
                            seed: UInt64(batch * Self.size + number), town: town, archive: archive,
                            disturbance: disturbance,
                            makeWalk: { channel, limits throws(ExporterError) in
                                do throws(ArchiveError) {
                                    return try ChannelWalk(
                                        client, archive: archive, writer: writer, channelID: channel, floor: nil,
                                        isFull: false, limits: limits, onPage: { _, _ in })
                                } catch { throw .archive(error) }
                            })
                        do {
                            try await history.run()
                        } catch {
                            Issue.record("history \(history.seed): \(error)")
                        }
                    }
                }
                #expect(try await archive.check().isClean)
                // Nor what it would call a post that changed in place: only what programs note beside a post changes so.
                var last: Int64 = 0
                while case let changes = try archive.changes(after: last), let newest = changes.last {
                    last = newest.later.header.sequence
                    for change in changes {
                        let posts = try [change.earlier, change.later].map { try JSONDocument(Array($0.json)).root }
                        #expect(posts[0]["message"]?.string == posts[1]["message"]?.string)
                        for name in ["channel_id", "user_id", "root_id", "original_id", "type"] as [StaticString] {
                            #expect(posts[0][name]?.string == posts[1][name]?.string)
                        }
                        for name in ["create_at", "delete_at"] as [StaticString] {
                            #expect(posts[0][name]?.int == posts[1][name]?.int)
                        }
                    }
                }
            })
    }

    /// One channel, three walks; the first two are disturbed.
    private struct History {
        let seed: UInt64
        let town: Town
        let archive: Archive
        let disturbance: Box<(@Sendable (World, ServerRequest) -> Void)?>
        let makeWalk: (String, WalkLimits) throws(ExporterError) -> ChannelWalk

        func run() async throws {
            let world = town.world
            let dice = Box(Dice(seed: seed))
            // With a cut, tombstones and old revisions may be out of reach for good; whatever lives must be found.
            let cut = seed % 4 > 0 ? 1000 : 12
            let limits = WalkLimits(pageSize: 5, cut: cut, overlap: seed % 3 == 0 ? 1 : 3000)
            world.sinceLimit = cut
            let channel = world.addChannel(
                team: town.team, name: "c\(seed)", displayName: "", type: .open, members: [town.alice])
            world.post(in: channel, by: town.alice, message: "first")
            for _ in 0..<(12 + dice.change { $0.roll(20) }) {
                dice.change { History.disturb(world, channel, &$0) }
            }
            for strength in seed % 2 == 0 ? [8, 4, 0] : [8, 0] {
                let left = Box(strength)
                disturbance.value = { world, request in
                    dice.change { dice in
                        guard left.value > 0, dice.roll(3) == 0 else { return }
                        left.value -= 1
                        History.disturb(world, request.channelID, &dice)
                    }
                }
                var walk = try makeWalk(channel, limits)
                let (end, _) = try await walk.run()
                if case .complete = end {} else { Issue.record("history \(seed): \(end)") }
                if strength == 0 { break }
                world.advance(by: Int64(dice.change { $0.roll(20_000) }))
                for _ in 0..<dice.change({ $0.roll(12) }) {
                    dice.change { History.disturb(world, channel, &$0) }
                }
            }
            let differences = try town.differences(channel, in: archive, where: { cut == 1000 || $0.isLive })
            #expect(differences.isEmpty, "history \(seed): \(differences.prefix(3))")
            // What an audit would call time that runs backwards: nothing of what people do, and no order of answers, is.
            let backwards =
                try archive.repliesBeforeRoots(channelID: channel) + archive.postsChangedBackwards(channelID: channel)
                + archive.postsThatAppearedLater(channelID: channel)
            #expect(backwards.isEmpty, "history \(seed): \(backwards.prefix(3))")
        }

        /// Something that people, or the server's owner, do to a channel.
        static func disturb(_ world: World, _ channel: String, _ dice: inout Dice) {
            let live = world.posts(in: channel).filter(\.isLive)
            guard let any = live.isEmpty ? nil : live[dice.roll(live.count)] else { return }
            let author = any.userID
            let root = any.rootID.isEmpty ? any.id : ""
            switch dice.roll(16) {
            case 0...3: world.post(in: channel, by: author, message: "new")
            case 4...5: world.post(in: channel, by: author, message: "reply", root: root)
            case 6:
                // Several at one moment, as a bot writes.
                for _ in 0..<(1 + dice.roll(12)) {
                    world.post(in: channel, by: author, message: "tied", at: world.now)
                }
            case 7...8: world.edit(any.id, message: "edited \(dice.roll(1000))")
            case 9: world.editProps(any.id, "{\"n\":\(dice.roll(1000))}")
            case 10: world.pin(any.id)
            case 11: world.react(any.id, by: author)
            case 12: if live.count > 2 { world.delete(any.id) }
            case 13: if live.count > 2 { world.purge(any.id) }
            case 14: world.tick = [1, 40, 700][dice.roll(3)]
            default: world.advance(by: Int64(dice.roll(5000)))
            }
        }
    }
}

/// A small repeatable generator (xorshift).
struct Dice: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 | 1 }

    /// A number from 0 up to, but not including, `sides`.
    mutating func roll(_ sides: Int) -> Int {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return Int((state >> 16) % UInt64(sides))
    }
}
