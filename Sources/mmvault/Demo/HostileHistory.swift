import ArgumentParser
import Bytes
import DemoServer
import E2EE

/// Histories that any member can write, each to make one kind of work as long as it can be. A post's text and props may have
/// some hundred thousand characters (mattermost-api, “Posts”).
enum HostileHistory: String, CaseIterable, ExpressibleByArgument {
    /// Thousands of entries for the reader's own key in one message.
    case ownEntries = "own-entries"
    /// Thousands of entries for keys that nobody knows.
    case unknownEntries = "unknown-entries"
    /// Thousands of keys, each of which signed two posts in one member's name.
    case freshSigners = "fresh-signers"
    /// One message in thousands of posts.
    case copies
    case blanks, controls, combining, words, brackets, lines
    /// What has no blanks between words.
    case ideographs
    case emoji
    /// Thousands of reactions, each with another emoji, on one post.
    case reactions
    case files
    /// One post, edited thousands of times.
    case edits
    /// Thousands of posts of one millisecond.
    case ties
    /// One thread.
    case replies

    /// How many entries, keys or posts a history has that is as large as a server lets it be, and how many characters a text.
    private static let most = 9000
    private static let length = 100_000

    /// - Parameter share: how large it is: 1 for what a server lets somebody write.
    /// - Returns: a world, the reader's key, and a token for the reader.
    func make(share: Double = 1, endingAt now: Int64) -> (world: World, key: PrivateKey, token: String) {
        func size(_ whole: Int) -> Int { Int(share * Double(whole)) }
        let world = World(seed: 1, startingAt: now - 1_000_000, tick: 1)
        let keys = [PrivateKey.generate(), PrivateKey.generate()]
        let users = zip(["reader", "writer"], keys).map { name, key in
            let id = world.addUser(username: name, firstName: name, lastName: "")
            world.pushKey(
                id, encr: Base64.standard.encode(key.publicKey.encryptionPoint),
                sign: Base64.standard.encode(key.publicKey.signingPoint))
            return id
        }
        let team = world.addTeam(name: "hostile", displayName: "Hostile", members: users)
        let channel = world.addChannel(
            team: team, name: "hostile", displayName: "Hostile", type: .private, members: users)
        @discardableResult func say(_ payload: String, root: String = "", at time: Int64? = nil) -> String {
            world.post(
                in: channel, by: users[1], message: "Encrypted message", type: "custom_e2ee", props: payload,
                root: root,
                at: time)
        }
        func sealed(_ text: String, by signer: PrivateKey? = nil, to: [PublicKey]? = nil) -> String {
            let message = EncryptedMessage.seal(
                Array(text.utf8), from: signer ?? keys[1], to: to ?? keys.map(\.publicKey))
            var json = JSONWriter()
            json.object { message.write(to: &$0, "e2ee") }
            return json.text
        }
        switch self {
        case .ownEntries:
            for number in 0..<5 {
                let own = [PublicKey](repeating: keys[0].publicKey, count: size(Self.most))
                say(sealed("to you \(number)", to: own))
            }
        case .unknownEntries:
            let unknown = (0..<size(Self.most)).map { _ in PrivateKey.generate().publicKey }
            for number in 0..<5 { say(sealed("to nobody \(number)", to: unknown)) }
        case .freshSigners:
            for number in 0..<size(3000) {
                let signer = PrivateKey.generate()
                for turn in 0..<2 { say(sealed("\(turn) by key \(number)", by: signer)) }
            }
        case .copies:
            let one = sealed("once more")
            for _ in 0..<size(3000) { say(one) }
        case .reactions:
            let post = say(sealed("react"))
            for number in 0..<size(20_000) { world.react(post, by: users[1], emoji: "e\(number)") }
        case .files:
            let files = (0..<size(5000)).map { Attachment(name: "f\($0)", content: [UInt8(truncatingIfNeeded: $0)]) }
            world.post(
                in: channel, by: users[1], message: "Encrypted message", type: "custom_e2ee", props: sealed("files"),
                files: files)
        case .edits:
            let post = say(sealed("first"))
            for number in 0..<size(3000) { world.editProps(post, sealed("edit \(number)")) }
        case .ties:
            for number in 0..<size(3000) { say(sealed("tie \(number)"), at: now - 500_000) }
        case .replies:
            let root = say(sealed("root"))
            for number in 0..<size(5000) { say(sealed("reply \(number)"), root: root) }
        default:
            let text = text(size(Self.length))
            for number in 0..<20 { say(sealed("\(number) \(text)")) }
        }
        return (world, keys[0], world.issueToken(for: users[0]))
    }

    private func text(_ length: Int) -> String {
        switch self {
        case .blanks: String(repeating: " ", count: length) + "x"
        case .controls: String(repeating: "\u{1}", count: length)
        case .combining: "e" + String(repeating: "\u{301}\u{316}", count: length / 2)
        case .words: (0..<length / 5).map { "w\($0)" }.joined(separator: " ")
        case .brackets:
            String(repeating: "[", count: length / 4) + String(repeating: "*_`<>#~", count: length / 8)
        case .lines: String(repeating: "\n", count: length) + "x"
        case .ideographs: String(repeating: "東京都港区", count: length / 8)
        case .emoji: String(repeating: "👩‍👩‍👧‍👦🏳️‍🌈", count: length / 20)
        default: ""
        }
    }
}
