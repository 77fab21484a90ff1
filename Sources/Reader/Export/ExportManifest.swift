internal import Archive
internal import Bytes

/// What an export holds, what was asked, and the hash of every file. It is written last: an export without it was cut.
struct ExportManifest {
    private(set) var counts = ExportCounts()
    private(set) var files: [ExportFile.Entry] = []
    private let request: ExportRequest
    private let head: (documents: Int64, hash: String)
    private let people: ExportPeople
    private var channels: [Entry] = []

    private struct Entry {
        let channel: Channel
        let past: ChannelPast
        let file: String
        let counts: ExportCounts
    }

    init(_ request: ExportRequest, _ people: ExportPeople, head: (documents: Int64, hash: String)) {
        self.request = request
        self.people = people
        self.head = head
    }

    mutating func add(_ channel: Channel, _ past: ChannelPast, file: String, _ counts: ExportCounts) {
        channels.append(Entry(channel: channel, past: past, file: file, counts: counts))
        self.counts += counts
    }

    mutating func add(_ entry: ExportFile.Entry) { files.append(entry) }

    /// What an export's manifest says it is; nil for any other JSON.
    static func format(_ root: JSONValue?) -> ExportFormat? {
        root?["mmvault_export"]?.int == nil ? nil : (root?["format"]?.string).flatMap(ExportFormat.init(rawValue:))
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.int("mmvault_export", 1)
            json.string("format", request.format.rawValue)
            ExportManifest.write(people.account, head: head, asked: request.asked, to: &json)
            json.bool("includes_unverified", request.includesUnverified)
            json.bool("includes_files", request.includesFiles)
            json.object("counts") { ExportManifest.write(counts, to: &$0) }
            json.array("channels") { json in
                for entry in channels {
                    json.object { json in
                        json.string("id", entry.channel.id)
                        json.string("label", people.label(entry.channel))
                        json.string("file", entry.file)
                        json.object("counts") { ExportManifest.write(entry.counts, to: &$0) }
                        json.absence(entry.channel.absence)
                        json.gaps(of: entry.channel)
                        write(entry.past, to: &json)
                    }
                }
            }
            json.array("files") { json in
                for file in files {
                    json.object {
                        $0.string("name", file.name)
                        $0.int("size", file.size)
                        $0.string("sha256", file.sha256)
                    }
                }
            }
            json.bool("complete", true)
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    private func write(_ past: ChannelPast, to json: inout JSONWriter) {
        for (name, texts) in [("headers", past.headers), ("purposes", past.purposes)] {
            json.array(name) { json in
                for text in texts {
                    json.object {
                        $0.string("text", text.text)
                        $0.int("since", text.since.milliseconds)
                        $0.time("until", text.until)
                    }
                }
            }
        }
        json.array("members") { json in
            for member in past.members {
                json.object {
                    $0.string("user_id", member.userID)
                    $0.string("username", people.username(member.userID))
                    $0.int("since", member.since.milliseconds)
                    $0.time("left", member.left)
                }
            }
        }
    }

    /// The members that say where an export comes from, which a package of evidence has as well.
    static func write(
        _ account: Account, head: (documents: Int64, hash: String), asked: [(name: String, value: String)],
        to json: inout JSONWriter
    ) {
        json.object("account") { account.write(to: &$0) }
        json.object("archive") {
            $0.int("documents", head.documents)
            $0.string("head", head.hash)
        }
        json.array("asked") { json in
            for (name, value) in asked {
                json.object {
                    $0.string("name", name)
                    $0.string("value", value)
                }
            }
        }
    }

    static func write(_ counts: ExportCounts, to json: inout JSONWriter) {
        json.int("posts", counts.posts)
        json.int("exported", counts.exported)
        json.int("unverified", counts.unverified)
        json.int("withheld", counts.withheld)
        json.int("redacted", counts.redacted)
        json.object("not_readable") { json in
            for content in Content.allCases {
                if let count = counts.unreadable[content] { json.int(content.rawValue, count) }
            }
        }
        json.object("states") { json in
            for state in PostState.allCases { json.int(state.rawValue, counts.states[state] ?? 0) }
        }
        json.int("files", counts.files)
        json.int("missing_files", counts.missingFiles)
        json.int("absent", counts.absent)
        json.int("unknown", counts.unknown)
        json.int("clear_edits", counts.clearEdits)
        json.int("withheld_clear_edits", counts.withheldClearEdits)
    }
}

extension JSONWriter {
    fileprivate mutating func time(_ name: String, _ time: Timestamp?) {
        guard let time else { return null(name) }
        int(name, time.milliseconds)
    }
}
