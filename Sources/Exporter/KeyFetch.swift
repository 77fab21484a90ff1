internal import Archive
internal import Bytes
internal import NIOHTTP1

/// Asks the plugin which public keys it shows for users, keeps its answer, and tells where it differs from the last
/// one.
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
        /// As far as their form goes; whether a point is on the curve is for whoever verifies by it.
        let keys: [KeySighting]
    }

    static func ask(_ client: MattermostClient, _ userIDs: [String]) async throws(ExporterError) -> Shown {
        var body = JSONWriter()
        body.object { json in
            json.array("userIds") { json in for id in userIDs { json.string(nil, id) } }
        }
        let request = Request(.POST, "/plugins/com.quarkslab.e2ee/api/v1/pubkey/get", body: body.bytes)
        let asked = Set(userIDs)
        return try await client.send(request) { answer throws(ExporterError) in
            let root = try answer.json().root
            guard let keys = root["pubKeys"], keys.kind == .object || keys.isNull else {
                throw answer.garbled("it holds no pubKeys")
            }
            guard !keys.hasDuplicateKeys else { throw answer.garbled("it names a user twice") }
            // Of whom nobody asked, the plugin says nothing; and what the archive holds is told from the answer alone.
            guard keys.members.allSatisfy({ asked.contains($0.key) }) else {
                throw answer.garbled("it names a user of whom nobody asked")
            }
            // It says null of whom has none. To say nothing would be a way around what null means for a key shown later.
            guard keys.members.count == asked.count else {
                throw answer.garbled("it leaves out a user who was asked about")
            }
            return Shown(
                answer: answer, keys: KeySighting.all(in: root, source: .server, at: answer.receivedAt))
        }
    }

    /// What an answer says that the archive did not know.
    struct News: Sendable {
        var changes: [KeyChange] = []
        /// The users of whom it shows another key than before, or a first one.
        var users: Set<String> = []
    }

    @discardableResult
    func run(_ userIDs: [String]) async throws(ExporterError) -> News {
        let shown = try await KeyFetch.ask(client, userIDs)
        do throws(ArchiveError) {
            let known = try archive.knownKeys(of: userIDs)
            // Always: that there was no key at a time says how a later one stands.
            try await writer.append(shown.answer.document(.keys), keys: shown.keys)
            let last = known.compactMapValues { $0.first(where: \.isCurrent) }
            let news = shown.keys.filter { last[$0.userID]?.sighting.keyID != $0.keyID }
            guard !news.isEmpty else { return News() }
            let names = Dictionary(
                try archive.users().map { ($0.id, $0.username) }, uniquingKeysWith: { first, _ in first })
            let changes = news.compactMap { sighting -> KeyChange? in
                guard let last = last[sighting.userID] else { return nil }
                let pinned = known[sighting.userID]?.first(where: \.isFirst) ?? last
                return KeyChange(
                    userID: sighting.userID, username: names[sighting.userID] ?? sighting.userID,
                    oldKeyID: last.sighting.keyID, newKeyID: sighting.keyID, oldLastSeen: last.lastSeen,
                    pinnedKeyID: pinned.sighting.keyID, pinnedSince: pinned.firstSeen)
            }
            return News(changes: changes, users: Set(news.map(\.userID)))
        } catch { throw .archive(error) }
    }
}
