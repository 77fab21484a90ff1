import Archive
import ArgumentParser
import E2EE
import Reader

struct Trust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show whose keys are known, and decide about them.",
        subcommands: [
            List.self, Show.self, Confirm.self, Accept.self, Reject.self, Withdraw.self, Original.self, Signers.self,
            Adopt.self, Export.self, Import.self,
        ],
        defaultSubcommand: List.self)

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who has which keys (what “mmvault trust” does).",
            usage: "mmvault trust [list] [<user> ...] [<options>]",
            discussion: """
                For each key its id, the same as digits to read to each other, since when and
                from where it is known, and what you and your colleagues decided about it.
                Each key has the same digits in every archive (docs/trust.md).

                EXAMPLES:
                  mmvault trust
                  mmvault trust bob carol
                  mmvault trust --json

                \(ExitCode.help(.damaged, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "Only these users: @name, or a user's id.")
        var user: [String] = []

        @Flag(help: "One JSON object a line for every key, and nothing else.")
        var json = false

        func run() async throws {
            let desk = try await TrustDesk(vault)
            let users = user.isEmpty ? desk.usersWithKeys : try user.map(desk.user(named:))
            let unseen = json || users.isEmpty ? [] : try await desk.unseenSigners()
            for (place, userID) in users.enumerated() {
                let entries = desk.register.entries[userID] ?? []
                if json {
                    for entry in entries { Terminal.write(json: entry.line(username: desk.usernames[userID] ?? "")) }
                    continue
                }
                if place > 0 { Terminal.print() }
                Terminal.print(desk.people.name(userID).wrapped(indent: 2))
                if let former = desk.formerOwners(ofNameOf: userID) {
                    Terminal.print("  \(former)".wrapped(indent: 4))
                }
                if entries.isEmpty { Terminal.print("  no key is known") }
                for entry in entries { desk.print(entry, unseen: unseen) }
            }
            if users.isEmpty, !json {
                Terminal.print("No key of anybody's is known. “mmvault pull” asks the server for keys.")
            }
            guard !json else { return }
            let questions = try await KeyQuestions(desk.archive, trusted: desk.register.trusted).run()
            KeyQuestionPrinter(people: desk.people, ownerID: desk.account.userID)
                .print(questions.filter { users.contains($0.userID) })
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what happened to a user's keys, in order.",
            usage: "mmvault trust show <user> [<options>]",
            discussion: """
                When the server showed a key first, or another one; what you decided, and what
                your colleagues' lists said. Times are UTC.

                \(ExitCode.help(.damaged, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "@name, or a user's id.")
        var user: String

        func run() async throws {
            let desk = try await TrustDesk(vault)
            let userID = try desk.user(named: user)
            let events = try desk.archive.keyTimeline(of: userID)
            Terminal.print(desk.people.name(userID).wrapped(indent: 2))
            if events.isEmpty { Terminal.print("  no key is known") }
            for event in events {
                Terminal.print("  \(event.at.minute)  \(desk.words(event))".wrapped(indent: 20))
            }
        }
    }
}

extension TrustDesk {
    /// A key with everything that is known of it.
    ///
    /// - Parameter unseen: signers of posts that no server was seen to show. A key that counts only because the server
    ///   showed it first is worth less where there are some.
    func print(_ entry: TrustRegister.Entry, unseen: [UnrecordedSigner] = []) {
        Terminal.print("  \(entry.keyID == nil ? "signer" : "key") \(entry.subject)")
        for line in entry.keyID.map({ Fingerprint(of: $0).lines }) ?? [] { Terminal.print("      \(line)") }
        for fact in facts(entry) { Terminal.print("    \(fact)".wrapped(indent: 6)) }
        guard entry.standing == .pinned else { return }
        for signer in unseen where signer.userID == entry.userID {
            let posts = signer.posts.count.of("post")
            let fact =
                "\(Terminal.alarming("but \(posts)")) in this name \(signer.posts.count == 1 ? "is" : "are") by one signer "
                + "that no server was seen to show, \(signer.id.short)…: “mmvault trust signers”"
            Terminal.print("    \(fact)".wrapped(indent: 6))
        }
    }

    func facts(_ entry: TrustRegister.Entry) -> [String] {
        var facts: [String] = []
        // Where the server shows another key by now, nothing says that they still write by this one.
        let isShown = entry.known?.isCurrent == true && withoutKey[entry.userID] == nil
        let isCurrent = entry.isCurrent && (isShown || entry.decision?.verb == .confirmed)
        if let standing = entry.standing { facts.append(standing.words(isCurrent: isCurrent, entry.dispute)) }
        if let known = entry.known {
            if known.isOwn { facts.append("yours: you restored its private key") }
            if known.isCurrent, withoutKey[entry.userID] != nil {
                let (first, last) = (known.firstSeen.date, known.lastSeen.date)
                facts.append("the server showed it \(Self.span(first, last)), and shows no key since")
            } else if known.isCurrent {
                facts.append("the server shows it; known since \(known.firstSeen.date)")
            } else if known.sighting.source == .server {
                facts.append("the server showed it \(Self.span(known.firstSeen.date, known.lastSeen.date))")
            }
        } else if entry.keyID == nil {
            facts.append("no server was seen to show it")
        }
        if entry.known == nil, entry.keyID != nil { facts.append("the server was not seen to show it") }
        if entry.known == nil, entry.decision == nil, !entry.said.isEmpty, entry.standing?.counts == true,
            entry.standing != .listed
        {
            facts.append("only a list has it: what counts is another key with its signing point")
        }
        if let decision = entry.decision {
            let verb = decision.verb == .rejected ? Terminal.alarming("REJECTED") : decision.verb.words
            let former = decision.username.flatMap { $0 == usernames[entry.userID] ? nil : SafeText.name($0) }
            facts.append("\(verb) by you on \(decision.at.date)\(former.map { ", when called @\($0)" } ?? "")")
        } else if entry.userID != account.userID, entry.keyID != nil {
            facts.append("not confirmed")
        }
        for said in entry.said {
            guard let colleague = said.colleague else { continue }
            let name = people.username(colleague.userID)
            let since = said.since.map { ", known there since \($0.date)" } ?? ""
            facts.append("\(name): \(said.verb.rawValue), in the list of \(colleague.listedAt.date)\(since)")
        }
        for shared in entry.keyID.flatMap({ register.sharedByKey[$0] }) ?? []
        where shared.userIDs.contains(entry.userID) {
            let holders = shared.userIDs.filter { $0 != entry.userID }
            let more = holders.count > 3 ? " and \((holders.count - 3).grouped) more" : ""
            let others = holders.prefix(3).map(people.username).joined(separator: ", ") + more
            let half = shared.canRead ? "its point to encrypt for" : "its signing point"
            let what = shared.canRead && shared.canSign ? "the same key" : half
            facts.append(Terminal.alarming("\(what) is known as \(others)'s, too"))
        }
        if entry.standing == nil { facts.append("does not count for any verdict") }
        return facts
    }

    /// `on 2026-11-30`, or `from 2026-11-02 to 2026-11-30`.
    static func span(_ first: String, _ last: String) -> String {
        first == last ? "on \(first)" : "from \(first) to \(last)"
    }

    func words(_ event: TrustEvent) -> String {
        switch event.what {
        case .shown(let key, nil): return "the server shows key \(key.short)…, the first one that was seen"
        case .shown(let key, let replaced?): return "the server shows key \(key.short)… instead of \(replaced.short)…"
        case .announced: return "the server says that the key has changed"
        case .restored(let key): return "you restored the private key of \(key.short)…"
        case .decided(let decision):
            let subject = "\(decision.keyID == nil ? "signer" : "key") \(decision.subject.prefix(16))…"
            if let colleague = decision.colleague {
                let name = people.username(colleague.userID)
                return "\(name)'s list of \(colleague.listedAt.date): \(decision.verb.rawValue) \(subject)"
            }
            return decision.verb == .withdrawn
                ? "you withdrew your decision about \(subject)" : "\(decision.verb.words) by you: \(subject)"
        }
    }
}

extension TrustDecision.Verb {
    /// For a person: what was done with the key.
    var words: String {
        switch self {
        case .confirmed: "confirmed, in use,"
        case .confirmedEarlier: "confirmed, no longer used,"
        case .own: "said to be made"
        case .accepted, .rejected, .adopted, .withdrawn, .seen: rawValue
        }
    }
}

extension Standing {
    /// How a key counts, for a person.
    fileprivate func words(isCurrent: Bool, _ dispute: Dispute?) -> String {
        let now = isCurrent ? "; they write by it now" : ""
        switch self {
        case .confirmed: return "counts: compared by you\(now)"
        case .own: return "counts: you made it\(isCurrent ? "; you write by it now" : "")"
        case .accepted: return "counts: accepted by you\(now)"
        case .pinned: return "counts: the first key that the server showed\(now)"
        case .adopted: return "counts: adopted by you\(now)"
        case .listed: return "counts: by a colleague's list"
        case .succeeding: return Terminal.alarming("NOT ANSWERED") + ": does not count until you say whose it is"
        case .disputed: return Terminal.alarming("DISPUTED") + ": \(dispute?.words ?? "")"
        case .rejected: return "does not count"
        }
    }
}
