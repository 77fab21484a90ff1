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
                in the same step; what a key signed that you leave open does not count until
                you answer.

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
            let desk = try await TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            let entry = try choice.key.map { try desk.entry(of: userID, $0) } ?? desk.currentEntry(of: userID)
            guard let keyID = entry.keyID else {
                throw Failure(
                    .usage,
                    "of signer \(entry.signer.short)… no whole key is known, and so there are no digits to compare")
            }
            let name = desk.people.username(userID)
            if !choice.yes { desk.showDigits(of: entry) }
            desk.warnOfOthers(entry)
            try TrustDesk.agree(
                "Did \(name) read you these digits, and not through this server?", isAgreed: choice.yes,
                id: choice.key ?? "")
            var answers = [TrustDesk.Answer(noLongerUsed ? .confirmedEarlier : .confirmed, entry)]
            answers += try await others.answers(desk, userID, besides: entry, asks: !choice.yes)
            try await desk.record(answers)
            Terminal.print(
                "Confirmed: key \(keyID.short)… is \(name)'s\(noLongerUsed ? ", and no longer used" : "")")
            try desk.tellEffects(of: answers)
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
            let desk = try await TrustDesk(vault)
            let users = try user.map(desk.user(named:))
            let entries = try await chosen(desk, users)
            try TrustDesk.agree(
                entries.count == 1
                    ? "Take this key on the server's word?" : "Take these \(entries.count) keys on the server's word?",
                isAgreed: yes, id: nil)
            var answers = entries.map { TrustDesk.Answer(.accepted, $0) }
            // Several users are one question: their other keys stay as they are.
            if !yes, Set(entries.map(\.userID)).count == 1 {
                answers += try await desk.askAboutOthers(of: entries[0].userID, besides: answers)
            }
            try await desk.record(answers)
            for entry in entries {
                Terminal.print("Accepted: \(entry.title) counts as \(desk.people.username(entry.userID))'s")
            }
            try desk.tellEffects(of: answers)
        }

        /// Shows what is asked, and what rests on it.
        private func chosen(_ desk: TrustDesk, _ users: [String]) async throws -> [TrustRegister.Entry] {
            if let key {
                let entry = try desk.entry(of: users[0], key)
                try desk.requireAcceptable(entry)
                desk.print(entry)
                desk.warnOfOthers(entry)
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
                // A key that the server shows no longer is taken by its name only.
                guard question.isAcceptable, question.isShownNow, isNewest,
                    let entry = desk.register.entries[question.userID]?.first(where: {
                        $0.signer == question.signer && $0.keyID == question.keyID
                    })
                else { continue }
                desk.warnOfOthers(entry)
                for line in printer.lines(question) { Terminal.note(line) }
                entries.append(entry)
            }
            for userID in users where !entries.contains(where: { $0.userID == userID }) {
                throw desk.nothingToAccept(userID)
            }
            guard !entries.isEmpty else {
                throw Failure(.usage, "no key is open", hint: "“mmvault trust” lists keys")
            }
            return entries
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a key is not the user's: nothing verifies by it any more.",
            usage: """
                mmvault trust reject <user> <key> [<options>]
                mmvault trust reject <user> --unused [<options>]
                """,
            discussion: """
                Posts that only this key signed become signatureInvalid. Another key with the
                same signing point that was known before stays as it is; one that the server
                shows later is rejected as well. “trust withdraw” takes it back. You are asked
                about the user's other open keys in the same step.

                EXAMPLES:
                  mmvault trust reject bob 9c660cd8
                  mmvault trust reject bob --unused

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var choice: Choice

        @Flag(help: "Every open key of theirs that the server no longer shows, and that signed no post.")
        var unused = false

        func validate() throws {
            guard !unused || choice.key == nil else { throw ValidationError("--unused goes without a key") }
        }

        func run() async throws {
            let desk = try await TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            if userID == desk.account.userID {
                Terminal.warn(unused ? "these are keys of your own" : "this is a key of your own")
            }
            if unused { return try await rejectUnused(of: userID, desk) }
            let entry = try desk.namedEntry(of: userID, choice)
            let name = desk.people.username(userID)
            if !choice.yes {
                Terminal.note(
                    "Rejecting it means the key is not \(name)'s. What only this key signed in their name does not verify then."
                        .wrapped())
            }
            try TrustDesk.agree(
                "Reject \(entry.title) of \(name)?", isAgreed: choice.yes, id: choice.key ?? "")
            var answers = [TrustDesk.Answer(.rejected, entry)]
            if !choice.yes { answers += try await desk.askAboutOthers(of: userID, besides: answers) }
            try await desk.record(answers)
            Terminal.print("Rejected: \(entry.title) is not \(name)'s")
            try desk.tellEffects(of: answers)
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

        private func rejectUnused(of userID: String, _ desk: TrustDesk) async throws {
            let name = desk.people.username(userID)
            let entries = try await desk.unusedEntries(of: userID)
            guard !entries.isEmpty else {
                throw Failure(
                    .usage, "\(name) has no open key that is unused",
                    hint: "“mmvault trust \(desk.people.argument(userID))” lists keys; nothing was changed")
            }
            for entry in entries { Terminal.note("  \(entry.title)") }
            try TrustDesk.agree(
                "Reject \(entries.count == 1 ? "this key" : "these \(entries.count) keys") of \(name)?",
                isAgreed: choice.yes, id: nil)
            try await desk.record(entries.map { .init(.rejected, $0) })
            Terminal.print("Rejected: \(entries.count.of("key")) of \(name)")
            try desk.tellEffects(of: entries.map { .init(.rejected, $0) })
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
            let desk = try await TrustDesk(choice.vault)
            let userID = try desk.user(named: choice.user)
            let entry = try desk.namedEntry(of: userID, choice)
            guard let decision = entry.decision else {
                throw Failure(
                    .usage, "nothing was decided about \(entry.title)",
                    hint: "“mmvault trust show \(desk.people.argument(userID))” lists what was")
            }
            Terminal.note("\(entry.title): \(decision.verb.words) by you on \(decision.at.date)")
            try TrustDesk.agree("Take this back?", isAgreed: choice.yes, id: choice.key ?? "")
            try await desk.record([.init(.withdrawn, entry)])
            Terminal.print("Withdrawn: nothing is decided about \(entry.title)")
            try desk.tellEffects(of: [.init(.withdrawn, entry)])
        }
    }
}

extension TrustRegister.Entry {
    /// `key 9c660cd8794b9799…`
    var title: String { "\(keyID == nil ? "signer" : "key") \(subject.prefix(16))…" }
}
