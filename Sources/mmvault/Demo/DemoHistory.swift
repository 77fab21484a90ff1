import Archive
import Bytes
import DemoServer
import E2EE

/// A small team's conversation, made on the spot: everybody's keys are new, and every message is encrypted and signed
/// for real.
final class DemoHistory {
    let world: World
    let alice: Person
    private let bob: Person
    private var carol: Person
    private let release: String
    private let direct: String

    struct Person {
        let id: String
        let username: String
        var key: PrivateKey
    }

    /// - Parameter now: when the story ends, in milliseconds; it begins two days before.
    init(seed: UInt64, now: Int64) {
        let world = World(seed: seed, startingAt: now - 48 * 3_600_000)
        func person(_ username: String, _ first: String, _ last: String) -> Person {
            let id = world.addUser(username: username, firstName: first, lastName: last)
            let key = PrivateKey.generate()
            DemoHistory.register(key, of: id, in: world)
            return Person(id: id, username: username, key: key)
        }
        alice = person("alice", "Alice", "Moreau")
        bob = person("bob", "Bob", "Okafor")
        carol = person("carol", "Carol", "Jiménez")
        let everybody = [alice.id, bob.id, carol.id]
        let team = world.addTeam(name: "harbour", displayName: "Harbour", members: everybody)
        let square = world.addChannel(
            team: team, name: "town-square", displayName: "Town Square", type: .open, members: everybody)
        release = world.addChannel(
            team: team, name: "release", displayName: "Release", type: .private, members: everybody)
        direct = world.addDirectChannel(alice.id, bob.id)
        self.world = world
        _ = world.post(
            in: square, by: carol.id, message: "Coffee machine is repaired. It is loud, but it works.",
            files: [
                Attachment(
                    name: "coffee machine.txt",
                    content: Array(
                        "Fill the tank to the line, not above it.\nDescale on the first of the month.\n".utf8))
            ])
        world.advance(by: 9 * 60_000)
        _ = world.post(in: square, by: bob.id, message: "Release talk moves to ~release, encrypted from today.")
        for channel in [release, direct] { world.setEncryption(channel, on: true, by: alice.id) }
        tellFirstDay()
    }

    private func tellFirstDay() {
        let freeze = say(release, bob, "Code freeze is on Thursday at noon. Who signs the packages this time?")
        say(release, carol, "I can. The key is on the token in the safe.", root: freeze)
        say(
            release, alice, "Thanks! Please sign the *old* packages, too:\n```\nharbour_2.3.1_amd64.deb\n```",
            root: freeze)
        let meeting = say(release, carol, "Review of the rollback plan: tomorrow, 10:00, room 東京")
        say(release, bob, "Wednesday does not work for me – could we do Friday?", root: meeting)
        edit(meeting, carol, "Review of the rollback plan: Friday, 10:00, room 東京", in: release)
        say(direct, bob, "Between us: the customer found the bug before we did.")
        say(direct, alice, "I know. I will call them before lunch ☎")
        let slip = say(release, bob, "The staging password is hunter2, by the way")
        delete(slip)
        say(release, alice, "Bob, please change that password :)")
        sayTampered(release, bob, "Ship 2.3.1 only after Carol has signed it.")
    }

    /// Carol loses her laptop, makes a new key, and goes on writing. What she wrote before fails in the web client from
    /// now on; whoever has kept her first key can still verify it.
    func carolMakesANewKey() {
        // It is today by now: a post by a key that nobody had seen yet would be dated back.
        world.advance(by: max(0, Timestamp.now.milliseconds - world.now))
        carol.key = PrivateKey.generate()
        DemoHistory.register(carol.key, of: carol.id, in: world)
        say(release, carol, "New laptop, new key. Packages are signed.")
        say(release, alice, "Welcome back! 2.3.1 is out. 🎉")
    }

    // MARK: What people do

    @discardableResult
    private func say(_ channel: String, _ author: Person, _ text: String, root: String = "") -> String {
        say(
            props: DemoHistory.props(seal(text, author, channel)), channel, author,
            delay: 7 * 60_000 + Int64(text.utf8.count) * 800, root: root)
    }

    @discardableResult
    private func say(
        props: String, _ channel: String, _ author: Person, delay: Int64, root: String
    ) -> String {
        world.advance(by: delay)
        return world.post(
            in: channel, by: author.id, message: "Encrypted message", type: "custom_e2ee",
            props: props, root: root)
    }

    private func edit(_ post: String, _ author: Person, _ text: String, in channel: String) {
        world.advance(by: 4 * 60_000)
        world.edit(post, message: "Encrypted message 0.7136", props: DemoHistory.props(seal(text, author, channel)))
    }

    private func delete(_ post: String) {
        world.advance(by: 60_000)
        world.delete(post)
    }

    /// What somebody who can write to the server's database can do: under a stream cipher, flipping bits of a text that
    /// one knows makes another one of it. Not unseen, though.
    private func sayTampered(_ channel: String, _ author: Person, _ text: String) {
        let message = seal(text, author, channel)
        var data = message.encryptedData
        for (place, difference) in zip(5..., zip("2.3.1 only".utf8, "it now! ok".utf8)) where place < data.count {
            data[place] ^= difference.0 ^ difference.1
        }
        let forged = DemoHistory.props(message).replacing(
            Base64.standard.encode(message.encryptedData), with: Base64.standard.encode(data))
        say(props: forged, channel, author, delay: 11 * 60_000, root: "")
    }

    private func seal(_ text: String, _ author: Person, _ channel: String) -> EncryptedMessage {
        let members = channel == direct ? [alice, bob] : [alice, bob, carol]
        return EncryptedMessage.seal(Array(text.utf8), from: author.key, to: members.map(\.key.publicKey))
    }

    private static func props(_ message: EncryptedMessage) -> String {
        var payload = JSONWriter()
        message.write(to: &payload)
        return "{\"e2ee\":\(payload.text)}"
    }

    private static func register(_ key: PrivateKey, of userID: String, in world: World) {
        world.pushKey(
            userID, encr: Base64.standard.encode(key.publicKey.encryptionPoint),
            sign: Base64.standard.encode(key.publicKey.signingPoint))
    }
}
