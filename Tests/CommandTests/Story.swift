import Bytes
import DemoServer
import E2EE
import Foundation

/// A small encrypted history: the same people, keys, ids and times each time, so that what the commands print about it
/// is the same, too.
struct Story: Sendable {
    let world: World
    let alice: Person
    let bob: Person
    let carol: Person
    let square: String
    let release: String
    let direct: String

    struct Person: Sendable {
        let id: String
        let key: PrivateKey
        let oldKey: PrivateKey
    }

    static let password = "correct horse battery staple"
    /// 2025-03-03 11:06:40 UTC
    static let start: Int64 = 1_741_000_000_000

    init(seed: UInt64 = 7) {
        world = World(seed: seed, startingAt: Story.start, tick: 1)
        func person(_ username: String, _ first: String, _ key: String, _ oldKey: String, in world: World) -> Person {
            let id = world.addUser(username: username, firstName: first, password: Story.password)
            return Person(id: id, key: TestKeys.key(key), oldKey: TestKeys.key(oldKey))
        }
        alice = person("alice", "Alice", "alice", "member1", in: world)
        bob = person("bob", "Bob", "bob", "bob", in: world)
        carol = person("carol", "Carol", "member2", "carol", in: world)
        let everybody = [alice.id, bob.id, carol.id]
        let team = world.addTeam(name: "harbour", displayName: "Harbour", members: everybody)
        square = world.addChannel(
            team: team, name: "town-square", displayName: "Town Square", type: .open, members: everybody)
        release = world.addChannel(
            team: team, name: "release", displayName: "Release 発売", type: .private, members: everybody)
        direct = world.addDirectChannel(alice.id, bob.id)
        tell()
    }

    private func tell() {
        register(alice.oldKey, alice)
        register(bob.key, bob)
        register(carol.oldKey, carol)
        world.post(in: square, by: carol.id, message: "The coffee machine is repaired.")
        world.post(in: square, by: bob.id, message: "Release talk moves to ~release.")
        for channel in [release, direct] { world.setEncryption(channel, on: true, by: alice.id) }
        world.advance(by: 3_600_000)
        let first = [alice.oldKey, bob.key, carol.oldKey]
        let freeze = say("Code freeze is on Thursday.", bob, bob.key, to: first)
        say("Thanks!", alice, alice.oldKey, to: first, root: freeze)
        let meeting = say("Review tomorrow at 10:00", carol, carol.oldKey, to: first)
        world.edit(
            meeting, message: "Encrypted message 0.5",
            props: Story.props(Story.seal("Review on Friday", carol.oldKey, first)))
        world.delete(say("The password is hunter2", bob, bob.key, to: first))
        say("Alice has no key any more?", bob, bob.key, to: [bob.key, carol.oldKey])

        // A month later, Alice has a new key.
        world.advance(by: 31 * 86_400_000)
        register(alice.key, alice)
        let second = [alice.key, bob.key, carol.oldKey]
        say("Welcome back!", bob, bob.key, to: second)
        say("Ship it only after Carol has signed.", bob, alice.key, to: second)
        world.post(in: release, by: bob.id, message: "Encrypted message", type: "custom_e2ee")
        world.advance(by: 60_000)
        say("Between us: I found it.", bob, bob.key, to: [alice.key, bob.key], in: direct)
        say("I know.", alice, alice.key, to: [alice.key, bob.key], in: direct)
    }

    /// Carol makes a new key and writes with it; the server forgets the one before.
    func carolMakesANewKey() {
        world.advance(by: 86_400_000)
        register(carol.key, carol)
        say("New laptop, new key.", carol, carol.key, to: [alice.key, bob.key, carol.key])
    }

    /// What a package of evidence shows besides: files, a post that was edited twice, an edit in the clear, an emoji of the
    /// server's own, a pin.
    ///
    /// - Returns: a post for the server to lose.
    func tellMore() -> String {
        for name in ["plan", "budget"] {
            let file = Attachment(name: "\(name).txt", content: Array("the \(name)\n".utf8))
            world.post(in: square, by: bob.id, message: "with a \(name)", files: [file])
        }
        let offer = world.post(in: square, by: bob.id, message: "I will pay 100")
        for message in ["I will pay 50", "I will pay nothing"] {
            world.advance(by: 1000)
            world.edit(offer, message: message)
        }
        _ = world.addEmoji("harbour", by: carol.id)
        world.react(offer, by: carol.id, emoji: "harbour")
        world.pin(offer)
        let deal = say("We have a deal, all of us.", bob, bob.key, to: [alice.key, bob.key])
        world.edit(deal, message: "We have no deal")
        return world.post(in: square, by: carol.id, message: "soon gone")
    }

    @discardableResult
    func say(
        _ text: String, _ author: Person, _ signer: PrivateKey, to recipients: [PrivateKey], root: String = "",
        in channel: String? = nil
    ) -> String {
        world.post(
            in: channel ?? release, by: author.id, message: "Encrypted message", type: "custom_e2ee",
            props: Story.props(Story.seal(text, signer, recipients)), root: root)
    }

    /// Messages of Bob's, so many that a command takes a while.
    func chat(_ count: Int) {
        for number in 0..<count { say("number \(number)", bob, bob.key, to: [alice.key, bob.key]) }
    }

    func register(_ key: PrivateKey, _ person: Person) {
        world.pushKey(
            person.id, encr: Base64.standard.encode(key.publicKey.encryptionPoint),
            sign: Base64.standard.encode(key.publicKey.signingPoint))
    }

    static func seal(_ text: String, _ signer: PrivateKey, _ recipients: [PrivateKey]) -> EncryptedMessage {
        EncryptedMessage.seal(Array(text.utf8), from: signer, to: recipients.map(\.publicKey))
    }

    static func props(_ message: EncryptedMessage) -> String {
        var payload = JSONWriter()
        message.write(to: &payload)
        return "{\"e2ee\":\(payload.text)}"
    }
}

/// The test keys of `Fixtures/e2ee-messages.json`.
enum TestKeys {
    private static let all: [String: PrivateKey] = {
        guard let bytes = try? Data(contentsOf: URL(filePath: Fixtures.path("e2ee-messages.json"))),
            let keys = try? JSONDocument(Array(bytes)).root["keys"]?.members
        else { preconditionFailure("there are no test keys") }
        var all: [String: PrivateKey] = [:]
        for (name, key) in keys {
            guard let backup = key["backup"]?.string, let found = try? KeyBackup.privateKeys(in: backup) else {
                continue
            }
            all[name] = found[0]
        }
        return all
    }()

    static func key(_ name: String) -> PrivateKey {
        guard let key = all[name] else { preconditionFailure("there is no test key \(name)") }
        return key
    }

    static var ids: Set<String> { Set(all.values.map(\.id.description)) }
}

enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../Fixtures")
        .standardized.path

    static func path(_ name: String) -> String { "\(folder)/\(name)" }
}
