import Bytes
import DemoServer
import E2EE

/// A large encrypted history for measurements: every post is a real message under its own ephemeral key, encrypted for
/// eight members and signed by one of them, in four channels.
enum MintedHistory {
    static let members = 8
    static let channels = 4

    /// - Returns: a world with `posts` posts, the reader's key, and a token for the reader.
    static func make(posts: Int, isEncrypted: Bool, endingAt now: Int64) async -> (
        world: World, key: PrivateKey, token: String
    ) {
        let spacing: Int64 = 977
        let world = World(seed: 1, startingAt: now - Int64(posts + 100) * spacing, tick: 1)
        let keys = (0..<members).map { _ in PrivateKey.generate() }
        let users = keys.enumerated().map { number, key in
            let id = world.addUser(username: "user\(number)", firstName: "User\(number)", lastName: "Minted")
            world.pushKey(
                id, encr: Base64.standard.encode(key.publicKey.encryptionPoint),
                sign: Base64.standard.encode(key.publicKey.signingPoint))
            return id
        }
        let team = world.addTeam(name: "minted", displayName: "Minted", members: users)
        let channels = (0..<channels).map { number in
            world.addChannel(
                team: team, name: "minted-\(number)", displayName: "Minted \(number)", type: .private, members: users)
        }
        // Sealing is what takes time; the world takes the posts in order.
        await withTaskGroup(of: (Int, [String]).self) { group in
            let batch = 250
            var next = 0
            var finished: [Int: [String]] = [:]
            var wanted = 0
            func start() {
                guard next < posts else { return }
                let range = next..<min(next + batch, posts)
                next = range.upperBound
                group.addTask { (range.lowerBound, range.map { isEncrypted ? payload($0, keys) : text($0) }) }
            }
            for _ in 0..<16 { start() }
            for await (first, payloads) in group {
                finished[first] = payloads
                while let ready = finished.removeValue(forKey: wanted) {
                    for (offset, payload) in ready.enumerated() {
                        let number = wanted + offset
                        world.advance(by: spacing)
                        _ = world.post(
                            in: channels[number % channels.count], by: users[author(number)],
                            message: isEncrypted ? "Encrypted message" : payload,
                            type: isEncrypted ? "custom_e2ee" : "",
                            props: isEncrypted ? "{\"e2ee\":\(payload)}" : "{}")
                    }
                    wanted += ready.count
                }
                start()
            }
        }
        return (world, keys[0], world.issueToken(for: users[0]))
    }

    private static func author(_ number: Int) -> Int { number * 7 % members }

    private static func text(_ number: Int) -> String {
        // A linear congruential sequence is all the variety that a text for measurements needs.
        var state = UInt64(number) &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        let words = (0..<(3 + number % 17)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return vocabulary[Int(state >> 33) % vocabulary.count]
        }
        return "\(words.joined(separator: " ")) n\(number)"
    }

    private static func payload(_ number: Int, _ keys: [PrivateKey]) -> String {
        let message = EncryptedMessage.seal(
            Array(text(number).utf8), from: keys[author(number)], to: keys.map(\.publicKey))
        var json = JSONWriter()
        message.write(to: &json)
        return json.text
    }

    private static let vocabulary = [
        "harbour", "release", "package", "review", "meeting", "Freitag", "café", "東京", "встреча", "rollback", "ticket",
        "invoice", "weekend", "deadline", "museum", "ferry", "laptop", "backup", "signature", "lunch", "bridge",
    ]
}
