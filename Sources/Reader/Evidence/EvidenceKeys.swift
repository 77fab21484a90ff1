internal import Archive
internal import Bytes
internal import E2EE

/// `keys.json` and `trust.json`: what the verdicts of a package rest on.
struct EvidenceKeys {
    /// Whose archive it is.
    let ownerID: String
    /// What the archive knows of the keys of those whose posts are in the package, and of the owner's.
    let known: [String: [KnownKey]]
    /// The owner's keys that were at hand, known to the archive or not.
    let own: [PublicKey]
    /// Those of them of which the owner said, for this once, that they made them.
    let ownForOnce: [PublicKey]
    /// As in the record: what documents say of it may not be in the package.
    let encryptedSince: [String: Int64]
    /// The newest of each, in the order in which they came, about the same people.
    let decisions: [TrustDecision]

    /// What the verdicts on posts of these authors rest on: their keys and the owner's, and those of colleagues whose
    /// lists name one of them.
    init(_ archive: Archive, authors: Set<String>, _ trusted: TrustedKeys) throws(ArchiveError) {
        let record = trusted.record
        let (ownerID, all, own) = (record.ownerID, record.decisions, record.atHand)
        let known = try archive.knownKeys()
        let users = EvidenceKeys.concerned(authors, trusted, ownKeys: known[ownerID] ?? [])
        self.init(
            ownerID: ownerID, known: known.filter { users.contains($0.key) }, own: own, ownForOnce: record.ownForOnce,
            encryptedSince: record.encryptedSince, decisions: all.filter { users.contains($0.userID) })
    }

    /// Those whose keys and decisions the verdicts on posts of these authors rest on.
    ///
    /// - Parameter ownKeys: what is known of the owner's.
    static func concerned(_ authors: Set<String>, _ trusted: TrustedKeys, ownKeys: [KnownKey]) -> Set<String> {
        let record = trusted.record
        var users = authors.union([record.ownerID])
        users.formUnion(record.decisions.filter { users.contains($0.userID) }.compactMap(\.colleague?.userID))
        // Whose keys the owner has brought as well: those do not count as the owner's.
        let brought =
            record.atHand
            + ownKeys.compactMap {
                try? PublicKey(encryptionPoint: $0.sighting.encryptionPoint, signingPoint: $0.sighting.signingPoint)
            }
        for key in brought { users.formUnion(trusted.owners(ofSigner: key.signer.id).map(\.userID)) }
        return users
    }

    /// Everybody whose keys or decisions count here.
    var userIDs: [String] { Set(known.keys).union(decisions.map(\.userID)).union([ownerID]).sorted() }

    /// - Parameter people: for names, which prove nothing.
    func keysJSON(_ people: ExportPeople) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("owner_id", ownerID)
            json.array("users") { json in
                for (userID, keys) in known.sorted(by: { $0.key < $1.key }) {
                    json.object { json in
                        json.string("user_id", userID)
                        json.string("username", people.username(userID))
                        json.array("keys") { json in for key in keys { json.object { key.write(to: &$0) } } }
                    }
                }
            }
            json.array("own") { json in
                for key in own {
                    json.object {
                        $0.string("key_id", key.id.description)
                        $0.string("sign", Base64.standard.encode(key.signingPoint))
                        $0.string("encr", Base64.standard.encode(key.encryptionPoint))
                        $0.bool("said_own", ownForOnce.contains(key))
                    }
                }
            }
            json.array("encrypted_since") { json in
                for (userID, document) in encryptedSince.sorted(by: { $0.key < $1.key }) {
                    json.object {
                        $0.string("user_id", userID)
                        $0.int("document", document)
                    }
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    func trustJSON(_ people: ExportPeople) -> [UInt8] {
        var json = JSONWriter()
        json.array { json in
            for decision in decisions {
                json.object { json in
                    json.string("at", decision.at.iso8601)
                    json.string("username", people.username(decision.userID))
                    decision.write(to: &json, "statement")
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    init(
        ownerID: String, known: [String: [KnownKey]], own: [PublicKey], ownForOnce: [PublicKey],
        encryptedSince: [String: Int64], decisions: [TrustDecision]
    ) {
        (self.ownerID, self.known, self.own, self.ownForOnce) = (ownerID, known, own, ownForOnce)
        (self.encryptedSince, self.decisions) = (encryptedSince, decisions)
    }

    /// Reads what was written; nil for anything else.
    init?(keys bytes: [UInt8], trust: [UInt8]) {
        guard let root = try? JSONDocument(bytes).root, let ownerID = root["owner_id"]?.string,
            let users = root["users"], let own = root["own"], let encrypted = root["encrypted_since"]
        else { return nil }
        var known: [String: [KnownKey]] = [:]
        for user in users.elements {
            guard let userID = user["user_id"]?.string, let list = user["keys"] else { return nil }
            let keys = list.elements.compactMap { KnownKey($0, userID: userID) }
            guard keys.count == list.elements.count else { return nil }
            known[userID] = keys
        }
        let ownKeys = own.elements.compactMap { try? PublicKey($0) }
        guard ownKeys.count == own.elements.count else { return nil }
        let saidOwn = zip(ownKeys, own.elements).filter { $1["said_own"]?.bool == true }.map(\.0)
        var encryptedSince: [String: Int64] = [:]
        for entry in encrypted.elements {
            guard let userID = entry["user_id"]?.string, let document = entry["document"]?.int else { return nil }
            encryptedSince[userID] = document
        }
        guard let list = try? JSONDocument(trust).root, list.kind == .array else { return nil }
        let decisions = list.elements.compactMap { entry in
            entry["at"]?.string.flatMap(Timestamp.init(iso8601:)).flatMap { at in
                entry["statement"].flatMap { TrustDecision($0, at: at) }
            }
        }
        guard decisions.count == list.elements.count else { return nil }
        self.init(
            ownerID: ownerID, known: known, own: ownKeys, ownForOnce: saidOwn, encryptedSince: encryptedSince,
            decisions: decisions)
    }
}

extension KnownKey {
    fileprivate func write(to json: inout JSONWriter) {
        json.string("key_id", sighting.keyID)
        json.string("sign", Base64.standard.encode(sighting.signingPoint))
        json.string("encr", Base64.standard.encode(sighting.encryptionPoint))
        json.string("source", sighting.source.rawValue)
        json.string("first_seen", firstSeen.iso8601)
        json.string("last_seen", lastSeen.iso8601)
        json.bool("is_current", isCurrent)
        json.bool("is_first", isFirst)
        json.bool("is_own", isOwn)
    }

    fileprivate init?(_ json: JSONValue, userID: String) {
        guard let keyID = json["key_id"]?.string, let sign = json["sign"]?.string.flatMap(Base64.standard.decode),
            let encryption = json["encr"]?.string.flatMap(Base64.standard.decode),
            let source = json["source"]?.string.flatMap(KeySighting.Source.init(rawValue:)),
            let first = json["first_seen"]?.string.flatMap(Timestamp.init(iso8601:)),
            let last = json["last_seen"]?.string.flatMap(Timestamp.init(iso8601:)),
            let isCurrent = json["is_current"]?.bool, let isFirst = json["is_first"]?.bool,
            let isOwn = json["is_own"]?.bool
        else { return nil }
        self.init(
            KeySighting(
                userID: userID, keyID: keyID, source: source, at: first, encryptionPoint: encryption,
                signingPoint: sign),
            firstSeen: first, lastSeen: last, isCurrent: isCurrent, isFirst: isFirst, isOwn: isOwn)
    }
}
