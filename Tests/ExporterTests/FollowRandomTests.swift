import Archive
import Bytes
import DemoServer
import Testing

@testable import Exporter

/// People who write, edit and delete while their channel is walked, with answers that events overtake. What was decided
/// by chance can be repeated by its seed, but for how fast the parts run.
struct FollowRandomTests {
    @Test(arguments: 1...8 as ClosedRange<UInt64>)
    func noTextIsLostAndTheNewestVersionIsTheServers(_ seed: UInt64) async throws {
        let dice = Box(Dice(seed: seed))
        let people = Box<People?>(nil)
        let hasBegun = Box(false)
        try await Town.with(
            seed: seed, tick: 1,
            interceptor: { request in
                guard request.isAboutPosts else { return nil }
                // The first pull is under way when people begin.
                guard hasBegun.value else {
                    return .hold {
                        while !hasBegun.value, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
                        try? await Task.sleep(for: .milliseconds(200))
                    }
                }
                return switch dice.change({ $0.roll(8) }) {
                case 0...3:
                    .hold { [delay = dice.change { $0.roll(60) }] in
                        try? await Task.sleep(for: .milliseconds(delay))
                    }
                case 4: .status(500)
                default: nil
                }
            },
            afterRequest: { _, request in
                // Between the answer and its way to the client.
                if request.isAboutPosts { people.value?.act(times: 2) }
            },
            { town in
                for _ in 0..<12 { town.world.post(in: town.channel, by: town.bob, message: "of before") }
                let crowd = People(town, dice)
                let limits = WalkLimits(pageSize: 5, cut: 1000, overlap: 300_000)
                try await Following.with(town, limits: limits, isAtOnce: true) { following in
                    try await eventually("a page is asked for") {
                        following.isConnected && !town.postRequests().isEmpty
                    }
                    crowd.editAll()
                    people.value = crowd
                    hasBegun.value = true
                    for _ in 0..<80 {
                        crowd.act(times: 1)
                        try await Task.sleep(for: .milliseconds(dice.change { $0.roll(12) }))
                    }
                    people.value = nil
                    try await following.caughtUp()
                    let missing = { try crowd.missing(town) }
                    do {
                        try await eventually("every text is there") { try missing().isEmpty }
                    } catch {
                        Issue.record("seed \(seed): \(try missing().prefix(3))")
                    }
                }
                let wrong = try crowd.wrong(town)
                #expect(wrong.isEmpty, "seed \(seed): \(wrong.prefix(3))")
                try await town.pullAll()
                let differences = try town.differences()
                #expect(differences.isEmpty, "seed \(seed): \(differences.prefix(3))")
            })
    }

    /// What people do to a channel, and every text that they showed.
    private final class People: Sendable {
        private let world: World
        private let channel: String
        private let bob: String
        private let dice: Box<Dice>
        private let texts = Box<[(id: String, text: String)]>([])
        /// One thing at a time: a post that two change at once might be gone for one of them.
        private let turn = Box(0)

        init(_ town: Town, _ dice: Box<Dice>) {
            (world, channel, bob, self.dice) = (town.world, town.channel, town.bob, dice)
        }

        /// Everything that there is says something else from now on.
        func editAll() {
            turn.change { number in
                for post in world.posts(in: channel).filter(\.isLive) {
                    number += 1
                    let text = "text \(number)."
                    world.edit(post.id, message: text)
                    texts.change { $0.append((post.id, text)) }
                }
            }
        }

        func act(times: Int) { for _ in 0..<times { turn.change { act(&$0) } } }

        private func act(_ number: inout Int) {
            number += 1
            let text = "text \(number)."
            let live = world.posts(in: channel).filter(\.isLive)
            guard let any = live.isEmpty ? nil : live[dice.change { $0.roll(live.count) }] else { return }
            func show(_ id: String) { texts.change { $0.append((id, text)) } }
            switch dice.change({ $0.roll(12) }) {
            case 0...2: show(world.post(in: channel, by: bob, message: text))
            case 3:
                show(world.post(in: channel, by: bob, message: text, root: any.rootID.isEmpty ? any.id : any.rootID))
            case 4...7:
                world.edit(any.id, message: text)
                show(any.id)
            case 8: world.editProps(any.id, "{\"n\":\(number)}")
            case 9: world.react(any.id, by: bob)
            case 10: if live.count > 3 { world.delete(any.id) }
            default: if live.count > 3 { world.purge(any.id) }
            }
        }

        /// Texts that the archive has in no version of their post.
        func missing(_ town: Town) throws -> [String] {
            let stored = Dictionary(grouping: try town.stored(), by: \.header.identityID)
                .mapValues { $0.map { String(decoding: $0.json, as: UTF8.self) } }
            return texts.value.filter { id, text in !(stored[id] ?? []).contains { $0.contains("\"\(text)\"") } }
                .map { "\($0.id): \($0.text)" }
        }

        /// Posts that say something else on the server than in the archive's newest version.
        func wrong(_ town: Town) throws -> [String] {
            let newest = try town.newest()
            return world.posts(in: channel).filter(\.isLive).compactMap { post in
                guard let version = newest[post.id] else { return "\(post.id) is missing" }
                return said(version.json) == said(post.json.utf8)
                    ? nil : "\(post.id) says \(said(version.json)), not \(said(post.json.utf8))"
            }
        }

        private func said(_ json: some Sequence<UInt8>) -> [String] {
            let root = try? JSONDocument(Array(json)).root
            return [root?["message"], root?["props"]].map { String(decoding: $0?.bytes ?? [], as: UTF8.self) }
        }
    }
}
