internal import Archive
internal import Bytes
internal import NIOHTTP1
internal import Synchronization

/// Asks the plugin which public keys it shows for users, keeps its answer, and tells where it differs from the last one.
struct KeyFetch {
    private let client: MattermostClient
    private let archive: Archive
    private let writer: ArchiveWriter

    init(_ client: MattermostClient, _ archive: Archive, _ writer: ArchiveWriter) {
        self.client = client
        self.archive = archive
        self.writer = writer
    }

    /// What the plugin says of the keys of users.
    struct Shown: Sendable {
        let answer: Answer
        let keys: [KeySighting]
        /// The users for whom it has none.
        let without: [String]
    }

    static func ask(_ client: MattermostClient, _ userIDs: [String]) async throws(ExporterError) -> Shown {
        var body = JSONWriter()
        body.object { json in
            json.array("userIds") { json in for id in userIDs { json.string(nil, id) } }
        }
        let request = Request(.POST, "/plugins/com.quarkslab.e2ee/api/v1/pubkey/get", body: body.bytes)
        let asked = Set(userIDs)
        return try await client.send(request) { answer throws(ExporterError) in
            guard let keys = try answer.json().root["pubKeys"], keys.kind == .object || keys.isNull else {
                throw answer.garbled("it holds no pubKeys")
            }
            guard !keys.hasDuplicateKeys else { throw answer.garbled("it names a user twice") }
            // A key that nobody asked for says nothing.
            let wanted = keys.members.filter { asked.contains($0.key) }
            return Shown(
                answer: answer, keys: wanted.compactMap { KeyFetch.sighting(of: $0.value, userID: $0.key, answer) },
                without: wanted.filter(\.value.isNull).map(\.key))
        }
    }

    func run(_ userIDs: [String]) async throws(ExporterError) -> [KeyChange] {
        let shown = try await KeyFetch.ask(client, userIDs)
        do throws(ArchiveError) {
            let known = try archive.knownKeys()
            // That a key has gone is news, too, once.
            let gone = try archive.usersWithoutKeyNow()
            let isNews = shown.without.contains { known[$0]?.contains(where: \.isCurrent) == true && gone[$0] == nil }
            guard !shown.keys.isEmpty || isNews else { return [] }
            let names = Dictionary(
                try archive.users().map { ($0.id, $0.username) }, uniquingKeysWith: { first, _ in first })
            try await writer.append(shown.answer.document(.keys), keys: shown.keys)
            return shown.keys.compactMap { sighting in
                let keys = known[sighting.userID] ?? []
                guard let last = keys.first(where: \.isCurrent), last.sighting.keyID != sighting.keyID else {
                    return nil
                }
                let pinned = keys.first(where: \.isFirst) ?? last
                return KeyChange(
                    userID: sighting.userID, username: names[sighting.userID] ?? sighting.userID,
                    oldKeyID: last.sighting.keyID, newKeyID: sighting.keyID, oldLastSeen: last.lastSeen,
                    pinnedKeyID: pinned.sighting.keyID, pinnedSince: pinned.firstSeen)
            }
        } catch { throw .archive(error) }
    }

    /// A key as far as its form goes; whether its points are on the curve is for whoever verifies by it. The answer that
    /// holds an unusable one is kept all the same.
    private static func sighting(of json: JSONValue, userID: String, _ answer: Answer) -> KeySighting? {
        guard PostHeader.isIdentifier(userID), let encryption = json["encr"]?.string.flatMap(Base64.standard.decode),
            let signing = json["sign"]?.string.flatMap(Base64.standard.decode), encryption.count == 65,
            signing.count == 65
        else { return nil }
        return KeySighting(
            userID: userID, keyID: SHA256Digest(of: encryption + signing).description, source: .server,
            at: answer.receivedAt, encryptionPoint: encryption, signingPoint: signing)
    }
}

/// Counts what several tasks add.
final class Counter: Sendable {
    private let count = Mutex(0)

    func add(_ number: Int) { count.withLock { $0 += number } }
    var value: Int { count.withLock { $0 } }
}
