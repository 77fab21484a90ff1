internal import Bytes
internal import GRDB

/// An import under way.
struct Importing {
    private(set) var head: ChainHead
    private(set) var report = ImportReport()
    var fileName = ""
    var files: ImportedFiles
    private var hasLines = false
    private let database: Database
    private let known: KnownPosts
    private var names: ImportNames
    private let name: String
    private let survey: ImportFile.Survey
    private let time: Timestamp
    private let index: JSONValue?

    /// The part under way.
    private var content: [UInt8] = []
    private var posts: [String] = []
    /// The ids that the rows themselves state.
    private var held: Set<String> = []
    private var joined: [Int] = []
    private var channelID: String?
    private var columns: LegalHoldColumns?
    private var columnsRow: [UInt8] = []
    private var isEmpty = true

    /// Bytes of an export in one document, but for lines that are longer.
    private static let partLength = 256 << 10

    init(
        _ database: Database, _ head: ChainHead, _ names: ImportNames, _ name: String, _ survey: ImportFile.Survey,
        _ time: Timestamp, _ index: JSONValue?, _ directory: AccountDirectory
    ) throws(ArchiveError) {
        self.database = database
        self.head = head
        self.names = names
        self.name = name
        self.survey = survey
        self.time = time
        self.index = index
        known = KnownPosts(database)
        files = try ImportedFiles(database, directory, survey)
    }

    mutating func begin(file path: String) throws(ArchiveError) {
        // All posts of a bulk export are in one file; those of a legal hold, in one for each batch.
        try files.begin(path, isBehindPosts: hasLines && survey.format == .bulk)
    }

    mutating func add(line: [UInt8]) throws(ArchiveError) {
        hasLines = true
        switch try BulkLine(line) {
        case .other: return
        case .team(let name, let displayName): _ = names.team(name, displayName: displayName)
        case .channel(let team, let name, let displayName, let type):
            _ = names.channel(.channel(team: team, name: name), displayName: displayName, type: type)
        case .user(let username, let nickname, let firstName, let lastName):
            _ = names.user(username, nickname: nickname, firstName: firstName, lastName: lastName)
        case .members(let members):
            if !members.isEmpty { _ = names.channel(.members(Set(members).sorted())) }
        case .posts(let thread):
            var root = ""
            for post in thread {
                guard let place = post.place else { continue }
                let (user, channel) = (names.user(post.username), names.channel(place))
                var id = try find { try known.id(of: post, userID: user, channelID: channel) }
                if id != nil { joined.append(posts.count) }
                if id == nil {
                    let text: [ArraySlice<UInt8>] = [
                        place.key, post.username, String(post.createAt), post.type, post.isReply ? root : "",
                    ].map { Array($0.utf8)[...] }
                    id = ImportID.make("post", text + post.content)
                }
                posts.append(id ?? "")
                if !post.isReply { root = id ?? "" }
            }
            report.posts += thread.count
        }
        content += line
        isEmpty = false
        // The last line of a file may have no end, and the next part's first would go on with it.
        if content.count >= Importing.partLength || line.last != 0x0A { try flush() }
    }

    mutating func add(row: [UInt8], channelID: String, isFirst: Bool) throws(ArchiveError) {
        if isFirst {
            (columns, columnsRow) = (try LegalHoldColumns(row[...]), row)
            self.channelID = channelID
            return
        }
        guard let columns else { return }
        let fields = try columns.row(row[...])
        let post = try fields.post(at: 0..<row.count)
        // What is decided about a post must not depend on what a part still holds back.
        if !held.insert(post.id).inserted {
            try flush()
            held = [post.id]
        }
        let standing = try find { try known.standing(of: post, channelID: channelID) }
        if let standing { names.learn(post.username, id: standing.userID) }
        _ = names.user(post.username)
        names.channel(channelID, row: fields, index: index)
        if standing?.isSaid == true { joined.append(posts.count) }
        // Whoever made the export could write into it what they liked: nothing of it takes the place of the server's
        // word.
        let isOld =
            standing.map { !$0.isSaid && ($0.isFromServer || $0.isSuperseded && post.originalID.isEmpty) } ?? false
        posts.append(isOld ? ImportID.make("version", [Array(post.id.utf8)[...]] + post.content) : post.id)
        report.posts += 1
        content += row
        isEmpty = false
        if content.count >= Importing.partLength || row.last != 0x0A { try flush() }
    }

    /// Keeps the part under way as a document, with what the index says of it.
    mutating func flush() throws(ArchiveError) {
        guard !isEmpty else { return }
        var body = header()
        body += columns == nil ? [] : columnsRow
        body += content
        (content, posts, held, joined, isEmpty) = ([], [], [], [], true)
        let part: ImportPart
        do throws(ArchiveError) { part = try ImportPart(body) } catch {
            guard case .badExport(_, let what) = error else { throw error }
            throw .badExport(file: fileName, what: what)
        }
        let document = ReceivedDocument(
            kind: .imported, request: "import \(survey.sha256) \(fileName)", channelID: channelID, receivedAt: time,
            body: body)
        let row = try DocumentRow(document, walk: nil, sequence: head.sequence + 1, previous: head.hash)
        let database = database
        let time = time.milliseconds
        report.added += try find {
            try row.insert(database)
            try ArchiveWriter.insert(part.objects.map { ($0.kind, $0.id, $0.json) }, row.sequence, time, database)
            return try ArchiveWriter.insert(part.posts, part.attachments, database, document: row.sequence)
        }
        head = (row.sequence, SHA256Digest(of: Array(row.record.utf8)))
    }

    /// The last document tells that the import is whole, and that there was one where it brought nothing.
    mutating func close() throws(ArchiveError) {
        (columns, columnsRow, channelID, fileName) = (nil, [], nil, "-")
        try keepFiles()
        var json = JSONWriter()
        json.object { json in
            json.string("export", name)
            json.string("format", survey.format.rawValue)
            json.int("posts_in_all", report.posts)
            json.int("attachments_not_taken", survey.attachments - report.files)
        }
        let document = ReceivedDocument(
            kind: .imported, request: "import \(survey.sha256) -", channelID: nil, receivedAt: time,
            body: json.bytes + [0x0A])
        let row = try DocumentRow(document, walk: nil, sequence: head.sequence + 1, previous: head.hash)
        let database = database
        try find {
            try row.insert(database)
            try ArchiveSchema.admit(.imported, document.body, to: database)
        }
        head = (row.sequence, SHA256Digest(of: Array(row.record.utf8)))
        report.newUsers = names.newUsers
        report.newChannels = names.newChannels
    }

    /// Keeps what became of the files, behind all posts.
    private mutating func keepFiles() throws(ArchiveError) {
        let (survey, time, database) = (survey, time, database)
        var head = head
        try files.finish { records throws(ArchiveError) in
            let document = FileRecord.document(
                records, channelID: nil, at: time, request: "import \(survey.sha256) -")
            let row = try DocumentRow(document, walk: nil, sequence: head.sequence + 1, previous: head.hash)
            try Archive.rethrowing {
                try row.insert(database)
                let objects = try JSONDocument(document.body).root.elements
                try ArchiveWriter.insert(
                    zip(records, objects).map { (.file, $0.fileID, $1) }, row.sequence, time.milliseconds, database)
            }
            head = (row.sequence, SHA256Digest(of: Array(row.record.utf8)))
        }
        self.head = head
        (report.files, report.fileBytes) = (files.count, files.bytes)
    }

    private mutating func header() -> [UInt8] {
        let used = names.takeUsed()
        var json = JSONWriter()
        json.object { json in
            json.string("export", name)
            json.string("format", survey.format.rawValue)
            json.string("zip", survey.sha256)
            for (key, kind) in [("teams", ObjectKind.team), ("channels", .channel), ("users", .user)] {
                json.array(key) { json in
                    for (_, members) in used.descriptions.filter({ $0.kind == kind }) {
                        json.object { for (name, value) in members { $0.string(name, value) } }
                    }
                }
            }
            for (key, ids) in [("user_ids", used.users), ("channel_ids", used.channels)] {
                json.object(key) { for (name, id) in ids.sorted(by: { $0.key < $1.key }) { $0.string(name, id) } }
            }
            json.array("posts") { for id in posts { $0.string(nil, id) } }
            json.array("joined") { for place in joined { $0.int(nil, place) } }
        }
        return json.bytes + [0x0A]
    }

    private func find<T>(_ body: () throws -> T) throws(ArchiveError) -> T { try Archive.rethrowing(body) }
}
