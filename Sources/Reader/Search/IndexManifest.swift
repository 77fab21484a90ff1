internal import Bytes

/// What an index consists of, and which part of the archive it covers.
struct IndexManifest: Equatable, Sendable {
    /// Another format is as good as no index.
    static let format = 6

    struct Part: Equatable, Sendable {
        let name: String
        /// That of the manifest with which it came.
        let generation: Int
        /// How many versions it holds.
        let count: Int
        /// `create_at` of the oldest and of the newest.
        let first: Int64
        let last: Int64
        /// The authors of messages whose signature fitted nobody, and what was known of their signers then: when that
        /// changes, the messages are judged again.
        let unsettled: [String: String]
    }

    /// The hash of the archive's first document.
    var vault: String
    /// The archive's last document that was looked at.
    var documents: Int64
    var head: String
    /// One more with each manifest.
    var generation: Int
    /// The last version that was looked at, by its place in the order of arrival.
    var lastVersion: Int64
    var parts: [Part]

    init(vault: String) {
        self.vault = vault
        (documents, head, generation, lastVersion, parts) = (0, "", 0, 0, [])
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.int("format", Int64(IndexManifest.format))
            json.string("vault", vault)
            json.int("documents", documents)
            json.string("head", head)
            json.int("generation", Int64(generation))
            json.int("last_version", lastVersion)
            json.array("parts") { json in
                for part in parts {
                    json.object { json in
                        json.string("name", part.name)
                        json.int("generation", Int64(part.generation))
                        json.int("count", Int64(part.count))
                        json.int("first", part.first)
                        json.int("last", part.last)
                        json.object("unsettled") { json in
                            for (user, keys) in part.unsettled.sorted(by: { $0.key < $1.key }) {
                                json.string(user, keys)
                            }
                        }
                    }
                }
            }
        }
        return json.bytes
    }

    init?(json bytes: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root, root["format"]?.int == Int64(IndexManifest.format),
            let vault = root["vault"]?.string, let documents = root["documents"]?.int, let head = root["head"]?.string,
            let generation = root["generation"]?.int, let lastVersion = root["last_version"]?.int,
            let parts = root["parts"]
        else { return nil }
        self.init(vault: vault)
        (self.documents, self.head, self.generation, self.lastVersion) = (documents, head, Int(generation), lastVersion)
        for part in parts.elements {
            // The name becomes a file's.
            guard let name = part["name"]?.string, Hex.decode(name) != nil, let generation = part["generation"]?.int,
                let count = part["count"]?.int, let first = part["first"]?.int, let last = part["last"]?.int,
                let unsettled = part["unsettled"]
            else { return nil }
            self.parts.append(
                Part(
                    name: name, generation: Int(generation), count: Int(count), first: first, last: last,
                    unsettled: Dictionary(
                        unsettled.members.map { ($0.key, $0.value.string ?? "") }, uniquingKeysWith: { $1 })))
        }
    }
}
