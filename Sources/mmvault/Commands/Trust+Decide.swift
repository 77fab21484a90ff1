import Archive
import ArgumentParser
import E2EE
import Reader

extension Trust {
    /// What the commands that decide about a key have in common.
    struct Choice: ParsableArguments {
        @OptionGroup var vault: VaultOptions

        @Argument(help: "@name, or a user's id.")
        var user: String

        @Argument(help: "A key's id, or its first digits, at least eight.")
        var key: String?

        @Flag(help: "Do not ask. Needs the whole id.")
        var yes = false
    }

    struct Confirm: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that you compared a key with its user: it is theirs.",
            usage: "mmvault trust confirm <user> [<key>] [<options>]",
            discussion: """
                Shows the key as digits, and asks whether its user reads the same to you: in
                person or by phone, and not through this server. Without a key, the one that
                the server shows now. From then on nothing but another comparison changes by
                which key the user counts as writing. So you are asked about their other keys
                in the same step; what you leave open does not count until you answer.

                EXAMPLES:
                  mmvault trust confirm bob
                  mmvault trust confirm bob 9c660cd8
                  mmvault trust confirm bob 5f1c2a90 --no-longer-used

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var choice: Choice

        @Flag(help: "It was theirs, and is not in use any more.")
        var noLongerUsed = false

        @OptionGroup var others: OtherKeys

        func run() async throws {
            let desk = try TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            let entry = try choice.key.map { try desk.entry(of: userID, $0) } ?? desk.currentEntry(of: userID)
            guard let keyID = entry.keyID else {
                throw Failure(
                    .usage,
                    "of signer \(entry.signer.short)… no whole key is known, and so there are no digits to compare")
            }
            let name = desk.people.username(userID)
            if let former = desk.formerOwners(ofNameOf: userID) { Terminal.warn("\(name) was \(former)") }
            if !choice.yes { desk.showDigits(of: entry) }
            try TrustDesk.agree(
                "Did \(name) read you these digits, and not through this server?", isAgreed: choice.yes,
                id: choice.key ?? "")
            var answers = [TrustDesk.Answer(noLongerUsed ? .confirmedEarlier : .confirmed, entry)]
            answers += try others.answers(desk, userID, besides: entry, asks: !choice.yes)
            try await desk.record(answers)
            Terminal.print(
                "Confirmed: key \(keyID.short)… is \(name)'s\(noLongerUsed ? ", and no longer used" : "")")
            desk.tellOfUnanswered(userID, besides: answers)
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take new keys for their users', on the server's word.",
            usage: "mmvault trust accept [<user> ...] [--all] [<options>]",
            discussion: """
                A colleague who makes a new key is not theirs again until you say so: a server
                that wants to write in their name does just that. To accept is to believe the
                server this once; ask the colleague if you can, or compare digits with “trust
                confirm”. It is refused for your own keys, for disputed ones, and for users
                with whom you compared a key.

                EXAMPLES:
                  mmvault trust accept bob
                  mmvault trust accept bob carol
                  mmvault trust accept --all
                  mmvault trust accept bob --key 5f1c2a90

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "Whose new keys: @name, or a user's id.")
        var user: [String] = []

        @Flag(help: "Everybody's.")
        var all = false

        @Option(
            help: ArgumentHelp("Of one user, this key: its id, or its first digits, at least eight.", valueName: "key"))
        var key: String?

        @Flag(help: "Do not ask.")
        var yes = false

        func validate() throws {
            guard all != !user.isEmpty else { throw ValidationError("name users, or say --all") }
            guard key == nil || user.count == 1 else { throw ValidationError("--key goes with one user") }
        }

        func run() async throws {
            let desk = try TrustDesk(vault)
            let users = try user.map(desk.user(named:))
            let entries = try await chosen(desk, users)
            try TrustDesk.agree(
                entries.count == 1
                    ? "Take this key on the server's word?" : "Take these \(entries.count) keys on the server's word?",
                isAgreed: yes, id: nil)
            var answers = entries.map { TrustDesk.Answer(.accepted, $0) }
            // Several users are one question: their other keys stay as they are.
            if !yes, Set(entries.map(\.userID)).count == 1 {
                answers += desk.askAboutOthers(of: entries[0].userID, besides: answers)
            }
            try await desk.record(answers)
            for entry in entries {
                Terminal.print("Accepted: \(entry.title) counts as \(desk.people.username(entry.userID))'s")
            }
        }

        /// Shows what is asked, and what rests on it.
        private func chosen(_ desk: TrustDesk, _ users: [String]) async throws -> [TrustRegister.Entry] {
            if let key {
                let entry = try desk.entry(of: users[0], key)
                try desk.requireAcceptable(entry)
                desk.print(entry)
                return [entry]
            }
            let trusted = desk.register.trusted
            let questions = try await KeyQuestions(desk.archive, trusted: trusted).run()
            let printer = KeyQuestionPrinter(people: desk.people, ownerID: desk.account.userID)
            var entries: [TrustRegister.Entry] = []
            for question in questions where all || users.contains(question.userID) {
                let isNewest = !questions.contains {
                    $0.userID == question.userID && $0.isAcceptable && $0.isShownNow && $0.signer != question.signer
                }
                guard question.isAcceptable, isNewest,
                    let entry = desk.register.entries[question.userID]?.first(where: { $0.signer == question.signer })
                else { continue }
                for line in printer.lines(question) { Terminal.note(line) }
                entries.append(entry)
            }
            for userID in users where !entries.contains(where: { $0.userID == userID }) {
                throw desk.nothingToAccept(userID)
            }
            guard !entries.isEmpty else {
                throw Failure(.usage, "no key waits to be accepted", hint: "“mmvault trust” lists keys")
            }
            return entries
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a key is not the user's: nothing verifies by it any more.",
            usage: "mmvault trust reject <user> <key> [<options>]",
            discussion: """
                Posts that only this key signed become signatureInvalid. Another key with the
                same signing point that was known before stays as it is; one that the server
                shows later is rejected as well. “trust withdraw” takes it back. You are asked
                about the user's other open keys in the same step.

                EXAMPLES:
                  mmvault trust reject bob 9c660cd8

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var choice: Choice

        func run() async throws {
            let desk = try TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            let entry = try desk.namedEntry(of: userID, choice)
            let name = desk.people.username(userID)
            if userID == desk.account.userID { Terminal.warn("this is a key of your own") }
            if !choice.yes {
                Terminal.note(
                    "Rejecting it means the key is not \(name)'s. What only this key signed in their name does not verify then."
                        .wrapped())
            }
            try TrustDesk.agree(
                "Reject \(entry.title) of \(name)?", isAgreed: choice.yes, id: choice.key ?? "")
            var answers = [TrustDesk.Answer(.rejected, entry)]
            if !choice.yes { answers += desk.askAboutOthers(of: userID, besides: answers) }
            try await desk.record(answers)
            Terminal.print("Rejected: \(entry.title) is not \(name)'s")
            let twins = (desk.register.entries[userID] ?? []).filter { twin in
                twin.signer == entry.signer && twin.subject != entry.subject && twin.standing != .rejected
                    && !answers.contains { $0.verb == .rejected && $0.isAbout(twin) }
            }
            for twin in twins {
                Terminal.warn(
                    "\(twin.title) has the same signing point and stands: what that signed counts as before. Reject it, too, "
                        + "if it is not \(name)'s")
            }
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take back what you decided about a key.",
            usage: "mmvault trust withdraw <user> <key> [<options>]",
            discussion: """
                The key counts again as if nothing had been decided. What was decided stays in
                the archive, and in “trust show”.

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var choice: Choice

        func run() async throws {
            let desk = try TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            let entry = try desk.namedEntry(of: userID, choice)
            guard let decision = entry.decision else {
                throw Failure(.usage, "nothing was decided about \(entry.title)", hint: "“mmvault trust show” tells")
            }
            try TrustDesk.agree(
                "Take back: \(entry.title), \(decision.verb.words) by you on \(decision.at.date)?",
                isAgreed: choice.yes, id: choice.key ?? "")
            try await desk.record([.init(.withdrawn, entry)])
            Terminal.print("Withdrawn: nothing is decided about \(entry.title)")
        }
    }
}

/// What is said, in the same step, of a user's other keys that are known.
struct OtherKeys: ParsableArguments {
    @Option(
        name: .customLong("in-use"),
        help: ArgumentHelp("This other key is theirs, too, and in use; may be repeated.", valueName: "key"))
    var inUse: [String] = []

    @Option(help: ArgumentHelp("This other key was theirs, and is no longer used; may be repeated.", valueName: "key"))
    var earlier: [String] = []

    @Option(help: ArgumentHelp("This other key is not theirs; may be repeated.", valueName: "key"))
    var notTheirs: [String] = []

    /// - Parameter asks: whether to ask about the others, at a terminal.
    func answers(
        _ desk: TrustDesk, _ userID: String, besides entry: TrustRegister.Entry, asks: Bool
    ) throws -> [TrustDesk.Answer] {
        var answers: [TrustDesk.Answer] = []
        for (verb, keys) in [
            (TrustDecision.Verb.confirmed, inUse), (.confirmedEarlier, earlier), (.rejected, notTheirs),
        ] {
            answers += try keys.map { .init(verb, try desk.entry(of: userID, $0)) }
        }
        guard asks else { return answers }
        return answers + desk.askAboutOthers(of: userID, besides: answers + [.init(.confirmed, entry)], compares: true)
    }
}

extension TrustDesk {
    /// Asks, at a terminal, about a user's other keys on which an answer is due.
    ///
    /// - Parameters:
    ///   - given: answers that are given already.
    ///   - compares: whether the user is there to read digits. To call a key compared that was not would make the server's
    ///     word more than it is, and would void what was accepted in the same step.
    func askAboutOthers(of userID: String, besides given: [Answer], compares: Bool = false) -> [Answer] {
        guard Terminal.inputIsTerminal else { return [] }
        let name = people.username(userID)
        var answers: [Answer] = []
        for other in openEntries(of: userID) where !given.contains(where: { $0.isAbout(other) }) {
            Terminal.note("\(name) is known by another key as well:")
            showDigits(of: other)
            for fact in facts(other) { Terminal.note("    \(fact)".wrapped(indent: 6)) }
            let choices = choices(about: other, compares: compares)
            let words = choices.map { "[\($0.key)] \($0.words)" } + ["[Enter] later"]
            let answer = Prompt.answer("\(words.joined(separator: "  ")): ")?.trimmed.lowercased()
            if let chosen = choices.first(where: { $0.key == answer }) { answers.append(.init(chosen.verb, other)) }
        }
        return answers
    }

    private func choices(
        about entry: TrustRegister.Entry, compares: Bool
    ) -> [(key: String, words: String, verb: TrustDecision.Verb)] {
        if entry.userID == account.userID { return [("m", "you made it", .own), ("n", "not yours", .rejected)] }
        if compares {
            Terminal.note("Answer u or e only if these digits were read to you, too.")
            return [
                ("u", "theirs, in use", .confirmed), ("e", "theirs, no longer used", .confirmedEarlier),
                ("n", "not theirs", .rejected),
            ]
        }
        let owned = register.trusted.owned(by: entry.userID).first { $0.subject == entry.subject }
        let isAcceptable = owned.map(register.trusted.accepts) ?? false
        let refusal = ("n", "not theirs", TrustDecision.Verb.rejected)
        return isAcceptable ? [("a", "theirs, on the server's word", .accepted), refusal] : [refusal]
    }
}

extension TrustDesk {
    /// A user's other keys about which an answer is due: those that the server showed or the owner took, and those that
    /// came after.
    private func openEntries(of userID: String) -> [TrustRegister.Entry] {
        (register.entries[userID] ?? []).filter { other in
            guard other.known != nil else { return false }
            switch other.standing {
            case .pinned, .accepted, .succeeding, .disputed: return true
            case .confirmed, .own, .adopted, .listed, .rejected, nil: return false
            }
        }
    }

    func showDigits(of entry: TrustRegister.Entry) {
        Terminal.note("  \(entry.keyID == nil ? "signer" : "key") \(entry.subject)")
        for line in entry.keyID.map({ Fingerprint(of: $0).lines }) ?? [] { Terminal.note("    \(line)") }
    }

    /// After a confirmation, keys without an answer do not count any more.
    fileprivate func tellOfUnanswered(_ userID: String, besides answers: [Answer]) {
        let left = (register.entries[userID] ?? []).filter { entry in
            (entry.standing == .pinned || entry.standing == .accepted)
                && !answers.contains { $0.signingPoint == entry.signingPoint }
        }
        for entry in left {
            Terminal.warn(
                "\(entry.title) counted as \(people.username(userID))'s on the server's word, and does not until you answer: "
                    + "“mmvault trust confirm \(people.argument(userID)) \(entry.subject.prefix(8)) --no-longer-used”")
        }
    }

    fileprivate func requireAcceptable(_ entry: TrustRegister.Entry) throws {
        let owned = register.trusted.owned(by: entry.userID).first { $0.subject == entry.subject }
        guard let owned, register.trusted.accepts(owned) else { throw nothingToAccept(entry.userID, entry) }
    }

    /// Why nothing of a user's can be taken on the server's word.
    fileprivate func nothingToAccept(_ userID: String, _ entry: TrustRegister.Entry? = nil) -> Failure {
        let name = people.username(userID)
        if userID == account.userID {
            return Failure(
                .usage, "your own keys are not taken on the server's word",
                hint: "“mmvault key mine KEY” says that you made one")
        }
        if register.trusted.hasConfirmed(userID) {
            return Failure(
                .usage, "you compared a key with \(name); only another comparison changes which key is theirs",
                hint: "“mmvault trust confirm \(people.argument(userID))” shows the digits")
        }
        if entry?.standing == .disputed
            || register.entries[userID]?.contains(where: { $0.standing == .disputed }) == true
        {
            return Failure(
                .usage, "a key of \(name) is disputed, and not taken on the server's word",
                hint: "“mmvault trust confirm \(people.argument(userID)) KEY” compares it")
        }
        return Failure(
            .usage, "no key of \(name) waits to be accepted",
            hint: "“mmvault trust \(people.argument(userID))” lists them")
    }

    fileprivate func currentEntry(of userID: String) throws -> TrustRegister.Entry {
        if let entry = register.entries[userID]?.first(where: { $0.known?.isCurrent == true }) { return entry }
        throw Failure(
            .usage, "the server was not seen to show a key of \(people.username(userID))",
            hint: "name one: “mmvault trust \(people.argument(userID))” lists them")
    }

    fileprivate func namedEntry(of userID: String, _ choice: Trust.Choice) throws -> TrustRegister.Entry {
        guard let key = choice.key else {
            throw Failure(
                .usage, "which key of \(people.username(userID))?",
                hint: "“mmvault trust \(people.argument(userID))” lists them")
        }
        return try entry(of: userID, key)
    }
}

extension TrustRegister.Entry {
    /// `key 9c660cd8794b9799…`
    var title: String { "\(keyID == nil ? "signer" : "key") \(subject.prefix(16))…" }
}
