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
            abstract: "Note that you have compared a key with its owner.",
            usage: "mmvault trust confirm <user> [<key>] [<options>]",
            discussion: """
                Shows the key as digits, and asks whether its owner reads the same to you: in
                person or by phone, and not through this server. Without a key, the one that
                the server shows now. It changes no verdict: it is for you, for “trust
                export”, and for lists that this key signs.

                EXAMPLES:
                  mmvault trust confirm bob
                  mmvault trust confirm bob 9c660cd8

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var choice: Choice

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
            if !choice.yes {
                Terminal.note(desk.people.name(userID))
                Terminal.note("  key \(keyID)")
                for line in Fingerprint(of: keyID).lines { Terminal.note("    \(line)") }
            }
            try TrustDesk.agree(
                "Did \(name) read you these digits, by another way than this server?", isAgreed: choice.yes,
                id: choice.key ?? "")
            try await desk.record(.confirmed, entry)
            Terminal.print("Confirmed: key \(keyID.short)… is \(name)'s")
        }
    }

    struct Reject: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a key is not the user's: nothing verifies by it any more.",
            usage: "mmvault trust reject <user> <key> [<options>]",
            discussion: """
                Posts that only this key signed become signatureInvalid. Another key with the
                same signing point stays as it is. “trust withdraw” takes it back.

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
                    "To reject it says that it is not \(name)'s. What only this key signed in their name no longer verifies."
                        .wrapped())
            }
            try TrustDesk.agree(
                "Reject \(entry.title) of \(name)?", isAgreed: choice.yes, id: choice.key ?? "")
            try await desk.record(.rejected, entry)
            Terminal.print("Rejected: \(entry.title) is not \(name)'s")
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
                "Take back that you \(decision.verb.rawValue) \(entry.title)?", isAgreed: choice.yes,
                id: choice.key ?? "")
            try await desk.record(.withdrawn, entry)
            Terminal.print("Withdrawn: nothing is decided about \(entry.title)")
        }
    }
}

extension TrustDesk {
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
