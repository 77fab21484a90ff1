internal import Archive
internal import Bytes

/// `manifest.json`, written and read.
extension EvidenceFacts {
    /// The manifest, with what was counted.
    func json(_ tally: EvidenceTally) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.int("mmvault_evidence", EvidenceFacts.version)
            json.string("program", program)
            ExportManifest.write(account, head: head, asked: asked, to: &json)
            json.object("chosen") { json in
                if let users = filter.userIDs {
                    json.array("user_ids") { json in for id in users { json.string(nil, id) } }
                } else {
                    json.null("user_ids")
                }
                let times = filter.createAt
                if times.lowerBound > .min { json.int("since", times.lowerBound) } else { json.null("since") }
                if times.upperBound < .max { json.int("until", times.upperBound) } else { json.null("until") }
            }
            json.object("redacted") { json in
                json.array("post_ids") { json in for id in redaction.postIDs.sorted() { json.string(nil, id) } }
                json.array("user_ids") { json in for id in redaction.userIDs.sorted() { json.string(nil, id) } }
            }
            json.bool("includes_unverified", includesUnverified)
            json.bool("includes_files", includesFiles)
            json.bool("has_keys", hasKeys)
            json.object("counts") { ExportManifest.write(tally.counts, to: &$0) }
            json.object("discloses") {
                $0.int("documents", disclosure.documents)
                $0.int("posts", disclosure.otherPosts)
                $0.int("plain_posts", disclosure.otherPlainPosts)
                $0.int("channels", disclosure.otherChannels)
            }
            json.array("channels") { json in
                for entry in channels { json.object { entry.write(to: &$0, tally.channels[entry.channel.id]) } }
            }
            json.array("teams") { json in
                for team in teams {
                    json.object {
                        $0.string("id", team.id)
                        $0.string("name", team.name)
                        $0.string("display_name", team.displayName)
                    }
                }
            }
            json.array("users") { json in for user in users { json.object { user.write(to: &$0) } } }
            json.array("emoji") { json in
                for emoji in emoji {
                    json.object {
                        $0.string("id", emoji.id)
                        $0.string("name", emoji.name)
                        $0.string("creator_id", emoji.creatorID)
                        $0.int("create_at", emoji.createAt)
                    }
                }
            }
            json.array("documents") { json in
                for document in documents {
                    json.object {
                        $0.int("document", document.sequence)
                        $0.string("kind", document.kind)
                        $0.int("posts", document.posts)
                        $0.int("chosen", document.chosen)
                        $0.int("other_channels", document.otherChannels)
                        $0.bool("redacted", document.isRedacted)
                    }
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// Reads what `json` wrote; nil for anything else.
    init?(_ bytes: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root, root["mmvault_evidence"]?.int == EvidenceFacts.version,
            let program = root["program"]?.string, let account = root["account"].flatMap(Account.init),
            let documents = root["archive"]?["documents"]?.int, let head = root["archive"]?["head"]?.string,
            let includesUnverified = root["includes_unverified"]?.bool,
            let includesFiles = root["includes_files"]?.bool, let hasKeys = root["has_keys"]?.bool
        else { return nil }
        func all<Value>(_ name: StaticString, _ read: (JSONValue) -> Value?) -> [Value]? {
            guard let list = root[name], list.kind == .array else { return nil }
            let values = list.elements.compactMap(read)
            return values.count == list.elements.count ? values : nil
        }
        guard
            let asked = all(
                "asked",
                { entry in
                    entry["name"]?.string.flatMap { name in entry["value"]?.string.map { (name: name, value: $0) } }
                }), let channels = all("channels", EvidenceChannel.init),
            let teams = all("teams", { $0["id"]?.string == nil ? nil : Team($0) }),
            let users = all("users", EvidenceUser.init), let emoji = all("emoji", CustomEmoji.init(evidence:)),
            let included = all("documents", EvidenceDocument.init),
            let disclosure = root["discloses"].flatMap(EvidenceDisclosure.init(evidence:)),
            let filter = root["chosen"].flatMap(EvidenceFilter.init),
            let redaction = root["redacted"].flatMap(Redaction.init(evidence:))
        else { return nil }
        self.init(
            program: program, account: account, head: (documents, head), asked: asked,
            includesUnverified: includesUnverified, includesFiles: includesFiles, hasKeys: hasKeys, channels: channels,
            teams: teams, users: users, emoji: emoji, documents: included, disclosure: disclosure,
            redaction: redaction, filter: filter)
    }
}

extension Redaction {
    fileprivate init?(evidence json: JSONValue) {
        guard let posts = json["post_ids"], let users = json["user_ids"] else { return nil }
        self.init(postIDs: posts.elements.compactMap(\.string), userIDs: users.elements.compactMap(\.string))
    }
}

extension EvidenceFilter {
    fileprivate init?(_ json: JSONValue) {
        guard let users = json["user_ids"], users.isNull || users.kind == .array, let since = json["since"],
            let until = json["until"]
        else { return nil }
        let (from, to) = (since.int ?? .min, until.int ?? .max)
        guard from <= to else { return nil }
        self.init(userIDs: users.isNull ? nil : users.elements.compactMap(\.string), createAt: from..<to)
    }
}

extension EvidenceChannel {
    fileprivate func write(to json: inout JSONWriter, _ counts: ExportCounts?) {
        json.string("id", channel.id)
        json.string("type", channel.kind?.rawValue)
        json.string("team_id", channel.teamID)
        json.string("name", channel.name)
        json.string("display_name", channel.displayName)
        json.string("path", path)
        json.bool("has_encrypted_posts", isEncrypted)
        json.absence(channel.absence)
        json.gaps(of: channel)
        json.object("counts") { ExportManifest.write(counts ?? ExportCounts(), to: &$0) }
    }

    fileprivate init?(_ json: JSONValue) {
        guard let path = json["path"]?.string, let isEncrypted = json["has_encrypted_posts"]?.bool,
            json["id"]?.string != nil,
            // What is made under this name when a package is checked is only hashed, and still it is one.
            !path.split(separator: "/", omittingEmptySubsequences: false).contains("..")
        else { return nil }
        var channel = Channel(json)
        channel.absence = NoticedAbsence(json["absence"])
        channel.takeGaps(json)
        self.init(channel: channel, path: path, isEncrypted: isEncrypted)
    }
}

extension NoticedAbsence {
    /// Reads what `JSONWriter.absence` wrote; nil for null.
    init?(_ json: JSONValue?) {
        guard let reason = (json?["reason"]?.string).flatMap(Absence.Reason.init(rawValue:)),
            let since = json?["since"]?.int
        else { return nil }
        self.init(reason: reason, since: Timestamp(milliseconds: since))
    }
}

extension CustomEmoji {
    fileprivate init?(evidence json: JSONValue) {
        guard let id = json["id"]?.string, let name = json["name"]?.string,
            let creatorID = json["creator_id"]?.string, let createAt = json["create_at"]?.int
        else { return nil }
        self.init(id: id, name: name, creatorID: creatorID, createAt: createAt)
    }
}

extension EvidenceUser {
    fileprivate func write(to json: inout JSONWriter) {
        json.string("id", user.id)
        json.string("username", user.username)
        json.string("nickname", user.nickname)
        json.string("first_name", user.firstName)
        json.string("last_name", user.lastName)
        if let document { json.int("document", document) } else { json.null("document") }
    }

    fileprivate init?(_ json: JSONValue) {
        guard json["id"]?.string != nil, let document = json["document"] else { return nil }
        self.init(user: User(json), document: document.int)
    }
}

extension EvidenceDisclosure {
    fileprivate init?(evidence json: JSONValue) {
        func count(_ name: StaticString) -> Int? { json[name]?.int.flatMap(Int.init(exactly:)) }
        guard let documents = count("documents"), let posts = count("posts"), let plain = count("plain_posts"),
            let channels = count("channels")
        else { return nil }
        self.init(documents: documents, otherPosts: posts, otherPlainPosts: plain, otherChannels: channels)
    }
}

extension EvidenceDocument {
    fileprivate init?(_ json: JSONValue) {
        guard let sequence = json["document"]?.int, let kind = json["kind"]?.string,
            let posts = json["posts"]?.int.flatMap(Int.init(exactly:)),
            let chosen = json["chosen"]?.int.flatMap(Int.init(exactly:)),
            let others = json["other_channels"]?.int.flatMap(Int.init(exactly:)),
            let isRedacted = json["redacted"]?.bool
        else { return nil }
        self.isRedacted = isRedacted
        (self.sequence, self.kind, self.posts, self.chosen, otherChannels) = (sequence, kind, posts, chosen, others)
    }
}
