public import Archive
internal import Bytes

/// Writes conversations out. Whatever is wrong with a post is told in its place; the same archive and keys give the same
/// bytes.
public struct Export: Sendable {
    private let archive: Archive
    private let reader: PostReader

    public init(archive: Archive, reader: PostReader) {
        self.archive = archive
        self.reader = reader
    }

    /// - Parameters:
    ///   - path: a folder that does not exist yet, or is empty.
    ///   - progress: called with the channel under way and how many posts of it are written.
    /// - Throws: `ReaderError` for the folder, `ArchiveError` for the archive. What was written until then stays, marked
    ///   as incomplete.
    public func run(
        _ request: ExportRequest, to path: String, progress: (Channel, Int) -> Void = { _, _ in }
    ) async throws -> ExportSummary {
        let people = try ExportPeople(archive)
        let paths = ExportName.paths(
            try archive.channels(), teams: try archive.teams(), names: people.names)
        let directory = try ExportDirectory(path)
        let files = ExportFiles(archive, directory, request)
        var manifest = ExportManifest(request, people, head: try archive.head())
        let shared = request.format == .jsonl ? try directory.makeFile("posts.jsonl") : nil
        for channel in request.channels {
            let file =
                try shared
                ?? directory.makeFile(
                    "\(paths[channel.id] ?? ExportName.component(channel.id)).\(request.format.fileExtension)")
            let past = try archive.past(ofChannel: channel.id)
            var renderer = try makeRenderer(request.format, channel, past, people, file, files.store)
            var counts = ExportCounts()
            let query = PostQuery(
                channelID: channel.id, userIDs: request.userIDs, createAt: request.createAt,
                order: request.format == .jsonl ? .time : .threads)
            try await reader.read(query) { post in
                let text = ShownText(post, includesUnverified: request.includesUnverified)
                let clearEdit = ShownText(clearEditOf: post, includesUnverified: request.includesUnverified)
                let shown = try post.files.map(files.show)
                counts.count(post, text, clearEdit, shown)
                try renderer.write(post, text, clearEdit, shown)
                if counts.posts.isMultiple(of: 500) { progress(channel, counts.posts) }
            }
            manifest.add(channel, past, file: file.name, counts)
            if shared == nil { manifest.add(try file.close()) }
            for entry in files.takeEntries() { manifest.add(entry) }
        }
        if let shared { manifest.add(try shared.close()) }
        let sums = try directory.makeFile("SHA256SUMS")
        for entry in manifest.files { sums.write("\(entry.sha256)  \(entry.name)\n") }
        manifest.add(try sums.close())
        let last = try directory.makeFile("manifest.json")
        last.write(manifest.json)
        try last.close()
        // What lacks the posts of damaged documents stays marked as incomplete.
        if !reader.skipsDamaged { try directory.complete() }
        return ExportSummary(counts: manifest.counts, files: manifest.files.map(\.name) + [last.name])
    }

    private func makeRenderer(
        _ format: ExportFormat, _ channel: Channel, _ past: ChannelPast, _ people: ExportPeople, _ file: ExportFile,
        _ store: FileStore
    ) throws -> any PostRenderer {
        let isEncrypted = try archive.holdsEncryptedPosts(channelID: channel.id)
        return switch format {
        case .jsonl: JSONLinesRenderer(people, file)
        case .mbox: MboxRenderer(channel, people, file, store, isEncrypted: isEncrypted)
        case .markdown: MarkdownRenderer(channel, people, file, isEncrypted: isEncrypted, past: past)
        }
    }
}

/// Writes the posts of one channel to a file, one after the other; it holds nothing of those it has written but what the
/// next one needs.
protocol PostRenderer {
    /// - Parameter clearEdit: what the server has in the clear beside the post's message, where it has something.
    /// - Throws: where a file that was sound a moment ago cannot be read.
    mutating func write(_ post: ReadPost, _ text: ShownText, _ clearEdit: ShownText?, _ files: [ShownFile]) throws
}

/// Who is who in an export. All names are other people's choice.
struct ExportPeople {
    let account: Account
    let names: ChannelNames
    private let users: [String: User]
    private let teams: [String: Team]
    private let book: NameBook

    init(_ archive: Archive) throws(ArchiveError) {
        self.init(
            account: try archive.account(), users: try archive.users(), teams: try archive.teams(),
            book: NameBook(try archive.nameBearings()))
    }

    init(account: Account, users: [User], teams: [Team], book: NameBook = NameBook()) {
        self.account = account
        self.book = book
        names = ChannelNames(users: users, ownID: account.userID)
        self.users = Dictionary(users.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.teams = Dictionary(teams.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The display name, told from that of another user who is, or was, called alike.
    func shownName(_ userID: String) -> String { book.tell(displayName(userID), of: userID) }

    func displayName(_ userID: String) -> String { users[userID]?.displayName ?? userID }

    func username(_ userID: String) -> String { users[userID]?.username ?? userID }

    /// The username, as a person reads it: told from that of another user who is, or was, called alike.
    func shownUsername(_ userID: String) -> String { book.tell(username(userID), of: userID) }

    /// The channel's name, with what tells the other one of a direct channel apart.
    func label(_ channel: Channel) -> String { book.tell(channel, names) }

    func team(of channel: Channel) -> String? {
        teams[channel.teamID].map { $0.displayName.isEmpty ? $0.name : $0.displayName }
    }

    static func kind(of channel: Channel) -> String {
        switch channel.kind {
        case .open: "public channel"
        case .private: "private channel"
        case .direct: "direct messages"
        case .group: "group messages"
        case nil: "channel"
        }
    }

    /// The server's host, for message ids and addresses: letters, digits, dots and hyphens, no more than DNS takes.
    var host: String {
        let label = account.serverLabel.replacing("_", with: "-")
        return label.isEmpty ? "invalid" : label.lowercased().prefix(253).description
    }
}
