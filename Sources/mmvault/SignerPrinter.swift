import Archive
import Bytes
import E2EE
import Reader

/// What a search for signers found, for people and for programs.
struct SignerPrinter {
    private let desk: TrustDesk
    private let channels: [String: Channel]

    init(_ desk: TrustDesk) throws {
        self.desk = desk
        channels = Dictionary(
            try desk.archive.channels().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private func name(_ userID: String) -> String { desk.people.username(userID) }

    private func label(_ channelID: String) -> String {
        channels[channelID].map(desk.people.label) ?? SafeText.line(channelID)
    }

    // MARK: For people

    func print(_ report: SignerReport) {
        for signer in report.signers {
            print(signer, alsoOf: report.signers.filter { $0.id == signer.id && $0.userID != signer.userID })
            Terminal.print()
        }
        if report.signers.isEmpty { Terminal.print("No two posts are signed by a key that was never seen here.") }
        if !report.signers.isEmpty {
            say(
                "",
                "That one key signed each group of posts is certain. Whose it was is not: whoever can put posts into "
                    + "somebody's name could have made it.")
        }
        for found in report.misattributed {
            let (posts, verb) = (found.posts.count.of("post"), found.posts.count == 1 ? "is" : "are")
            say("", "\(posts) of \(name(found.userID)) \(verb) signed by a key of \(name(found.ownerID)).")
        }
        for (userID, posts) in report.unexplained.sorted(by: { $0.key < $1.key }) {
            let words = posts.count == 1 ? "has a signature that fits" : "have signatures that fit"
            say("", "\(posts.count.of("post")) of \(name(userID)) \(words) no known key and no other post.")
        }
        if !report.misattributed.isEmpty || !report.unexplained.isEmpty {
            say("", "“mmvault audit” names these posts.")
        }
    }

    private func print(_ signer: UnrecordedSigner, alsoOf others: [UnrecordedSigner]) {
        let author = name(signer.userID)
        let dates = (Timestamp(milliseconds: signer.first).date, Timestamp(milliseconds: signer.last).date)
        let when = dates.0 == dates.1 ? "on \(dates.0)" : "\(dates.0) to \(dates.1)"
        say(
            "",
            "\(signer.posts.count.of("post")) of \(author), \(when), \(signer.posts.count == 1 ? "is" : "are") signed by one key that was never seen here:"
        )
        Terminal.print("  signer \(signer.id)")
        let places = signer.channels.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        let shown = places.prefix(8).map { "\(label($0.key)) \($0.value.grouped)" }.joined(separator: ", ")
        say("  ", "in \(shown)\(places.count > 8 ? " and \((places.count - 8).of("more channel"))" : "")")
        for other in others {
            say("  ", "the same key signed \(other.posts.count.of("post")) of \(name(other.userID)), too")
        }
        if let keyID = signer.probableKeyID {
            say(
                "  ",
                "probably key \(keyID.short)…: it stands among the recipients of each of these posts, is nobody's who "
                    + "is known, and has gone since the next key of \(author) is in use")
        } else if !signer.companions.isEmpty {
            let ids = signer.companions.prefix(4).map { "\($0.keyID.short)…" }.joined(separator: ", ")
            say("  ", "unknown recipients of each of these posts: \(ids)")
        }
        if signer.userID == desk.account.userID {
            say("  ", "yours? Then restore its backup:")
            Terminal.print("    mmvault key restore FILE")
        } else {
            // By itself on its line: people copy it.
            say("  ", "ask \(author) whether they wrote \(signer.posts.count == 1 ? "it" : "them"); if so:")
            let name = desk.people.argument(signer.userID)
            Terminal.print("    mmvault trust adopt \(name) \(signer.id.description.prefix(8))")
        }
    }

    private func say(_ margin: String, _ text: String) {
        Terminal.print("\(margin)\(text)".wrapped(indent: margin.count + (margin.isEmpty ? 0 : 2)))
    }

    // MARK: For programs

    func write(_ report: SignerReport) {
        for signer in report.signers {
            line("signer", signer.userID, signer.posts) { json in
                json.string("signer_id", signer.id.description)
                json.string("sign", Base64.standard.encode(signer.point.bytes))
                json.int("messages", signer.messages)
                json.string("probable_key_id", signer.probableKeyID?.description)
                json.bool("has_later_key", signer.hasLaterKey)
                json.array("recipients") { json in
                    for companion in signer.companions {
                        json.object {
                            $0.string("key_id", companion.keyID.description)
                            $0.string("last", Timestamp(milliseconds: companion.lastSeen).iso8601)
                            $0.bool("is_gone", companion.isGone)
                        }
                    }
                }
            }
        }
        for found in report.misattributed {
            line("misattributed", found.userID, found.posts) { json in
                json.string("signer_id", found.signer.description)
                json.string("owner_id", found.ownerID)
                json.string("owner", desk.usernames[found.ownerID])
                json.string("key_id", found.keyID?.description)
            }
        }
        for (userID, posts) in report.unexplained.sorted(by: { $0.key < $1.key }) {
            line("unexplained", userID, posts) { _ in }
        }
    }

    private func line(
        _ kind: String, _ userID: String, _ posts: [PostReference], _ members: (inout JSONWriter) -> Void
    ) {
        var json = JSONWriter()
        json.object { json in
            json.string("kind", kind)
            json.string("user_id", userID)
            json.string("username", desk.usernames[userID])
            members(&json)
            json.int("posts", posts.count)
            json.string("first", posts.first.map { Timestamp(milliseconds: $0.createAt).iso8601 })
            json.string("last", posts.last.map { Timestamp(milliseconds: $0.createAt).iso8601 })
            json.array("post_ids") { json in for post in posts { json.string(nil, post.id) } }
        }
        Terminal.write(json: json.bytes + [UInt8(ascii: "\n")])
    }
}
