public import Archive
internal import Bytes
internal import E2EE

extension TrustRegister {
    /// What the owner has to say of keys, for a list.
    ///
    /// - Parameters:
    ///   - withSeen: also the keys about which nothing was decided, that the archive itself has seen.
    ///   - history: the newest of all decisions; one that was withdrawn says so to whoever had it from an earlier list.
    public func statements(withSeen: Bool, history: [TrustDecision]) -> [TrustDecision] {
        let verbs = Dictionary(
            history.filter { $0.colleague == nil }.map { ("\($0.userID) \($0.subject)", $0.verb) },
            uniquingKeysWith: { $1 })
        return entries.sorted { $0.key < $1.key }.flatMap(\.value).compactMap { entry in
            let isSeen = withSeen && entry.known != nil
            guard let verb = verbs["\(entry.userID) \(entry.subject)"], verb != .withdrawn || !isSeen else {
                return isSeen ? entry.statement(.seen) : nil
            }
            // What the owner took on the server's word, or made themself, they did not compare with anybody.
            return entry.statement(verb == .accepted || verb == .own ? .seen : verb)
        }
    }
}

extension TrustRegister.Entry {
    fileprivate func statement(_ verb: TrustDecision.Verb) -> TrustDecision {
        TrustDecision(
            userID: userID, verb: verb, signingPoint: signingPoint, encryptionPoint: encryptionPoint,
            at: decision?.at ?? Timestamp(milliseconds: 0), since: known?.firstSeen)
    }

    /// The line of `mmvault trust --json`, with its line end.
    public func line(username: String) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("user_id", userID)
            json.string("username", username)
            json.string("key_id", keyID?.description)
            json.string("signer_id", signer.description)
            json.string("fingerprint", keyID.map { Fingerprint(of: $0).description })
            json.string("standing", standing?.rawValue)
            json.bool("is_current", isCurrent)
            json.array("sources") { json in
                for source in sources { json.string(nil, source) }
            }
            for (name, time) in [("first_seen", known?.firstSeen), ("last_seen", known?.lastSeen)] {
                if let time { json.int(name, time.milliseconds) } else { json.null(name) }
            }
            json.string("decision", decision?.verb.rawValue)
            if let decision { json.int("decided_at", decision.at.milliseconds) } else { json.null("decided_at") }
            json.array("said") { json in
                for said in said {
                    guard let colleague = said.colleague else { continue }
                    json.object { json in
                        json.string("user_id", colleague.userID)
                        json.string("decision", said.verb.rawValue)
                        json.int("listed_at", colleague.listedAt.milliseconds)
                    }
                }
            }
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }

    /// From where it is known.
    private var sources: [String] {
        var sources: [String] = []
        if known?.sighting.source == .server { sources.append("server") }
        if known?.isOwn == true { sources.append("own") }
        if decision?.verb == .adopted { sources.append("adopted") }
        return sources + said.compactMap { said in said.colleague.map { "list \($0.userID)" } }
    }
}
