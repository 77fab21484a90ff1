import Archive
import ArgumentParser
import E2EE
import Reader

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
    ) async throws -> [TrustDesk.Answer] {
        var answers: [TrustDesk.Answer] = []
        for (verb, keys) in [
            (TrustDecision.Verb.confirmed, inUse), (.confirmedEarlier, earlier), (.rejected, notTheirs),
        ] {
            for key in keys {
                let other = try desk.entry(of: userID, key)
                guard other.subject != entry.subject, !answers.contains(where: { $0.isAbout(other) }) else {
                    throw Failure(
                        .usage, "\(other.title) is named twice", hint: "name each key once; nothing was changed")
                }
                answers.append(.init(verb, other))
            }
        }
        guard asks else { return answers }
        return try await answers
            + desk.askAboutOthers(of: userID, besides: answers + [.init(.confirmed, entry)], compares: true)
    }
}

extension TrustDesk {
    /// Asks, at a terminal, about a user's other keys on which an answer is due.
    ///
    /// - Parameters:
    ///   - given: answers that are given already.
    ///   - compares: whether the user is there to read digits. To call a key compared that was not would make the server's
    ///     word more than it is, and would void what was accepted in the same step.
    func askAboutOthers(of userID: String, besides given: [Answer], compares: Bool = false) async throws -> [Answer] {
        guard Terminal.inputIsTerminal else { return [] }
        let name = people.username(userID)
        let open = openEntries(of: userID).filter { other in !given.contains { $0.isAbout(other) } }
        guard !open.isEmpty else { return [] }
        let signed = try await KeyQuestions(archive, trusted: register.trusted).signedPosts(of: userID)
        let idle = open.filter { isIdle($0, signed) }
        let isCut = idle.count > KeyQuestionPrinter.idleKeysShown
        var answers: [Answer] = []
        for other in open where !isCut || !isIdle(other, signed) {
            Terminal.note("\n\(name) is known by another key as well:")
            showDigits(of: other)
            for fact in facts(other) { Terminal.note("    \(fact)".wrapped(indent: 6)) }
            let posts = (signed[other.signer] ?? 0).of("post")
            Terminal.note("    it signed \(posts)")
            let choices = choices(about: other, compares: compares)
            for choice in choices { Terminal.note("[\(choice.key)]     \(choice.words)") }
            // A confirmation ends what counts on the server's word alone.
            let stops = compares && (other.standing == .pinned || other.standing == .accepted)
            Terminal.note("[Enter] leave it open\(stops ? "; until you answer, these \(posts) do not count" : "")")
            if let verb = chosen(among: choices) { answers.append(.init(verb, other)) }
        }
        if isCut {
            Terminal.note("\n\(name) is known by \(idle.count.of("more key")), which signed no post.")
            Terminal.note("  mmvault trust reject \(people.argument(userID)) --unused")
        }
        return answers
    }

    /// Asks until the answer is one of those offered; nil for none.
    private func chosen(among choices: [Choice]) -> TrustDecision.Verb? {
        let keys = choices.map(\.key)
        while let answer = Prompt.answer("\(keys.joined(separator: ", ")) or Enter: ")?.trimmed.lowercased(),
            !answer.isEmpty
        {
            if let chosen = choices.first(where: { $0.key == answer }) { return chosen.verb }
        }
        return nil
    }

    /// Whether nothing but the server's having shown it speaks of a key.
    private func isIdle(_ entry: TrustRegister.Entry, _ signed: [SignerID: Int]) -> Bool {
        entry.known?.isCurrent != true && entry.known?.isOwn != true && signed[entry.signer] == nil
            && entry.standing?.counts != true
    }

    /// A user's open keys that the server does not show any more and that signed nothing.
    func unusedEntries(of userID: String) async throws -> [TrustRegister.Entry] {
        let signed = try await KeyQuestions(archive, trusted: register.trusted).signedPosts(of: userID)
        return openEntries(of: userID).filter { isIdle($0, signed) }
    }

    private typealias Choice = (key: String, words: String, verb: TrustDecision.Verb)

    private func choices(about entry: TrustRegister.Entry, compares: Bool) -> [Choice] {
        if entry.userID == account.userID { return [("m", "you made it", .own), ("n", "it is not yours", .rejected)] }
        let refusal = ("n", "not theirs: what it signed does not verify", TrustDecision.Verb.rejected)
        if compares {
            return [
                ("u", "theirs and in use: you compared these digits, too", .confirmed),
                ("e", "theirs and no longer used: you compared these digits, too", .confirmedEarlier), refusal,
            ]
        }
        let owned = register.trusted.owned(by: entry.userID).first { $0.subject == entry.subject }
        let isAcceptable = owned.map(register.trusted.accepts) ?? false
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

    /// Says whose name the user's was before, and who else is known by the key: to answer for one of them says something
    /// about the others.
    func warnOfOthers(_ entry: TrustRegister.Entry) {
        let name = people.username(entry.userID)
        if let former = formerOwners(ofNameOf: entry.userID) { Terminal.warn("\(name) was \(former)") }
        let others = Set(
            register.trusted.owners(ofSigner: entry.signer).filter { $0.standing != .rejected }.map(\.userID)
        )
        .subtracting([entry.userID]).sorted()
        guard let first = others.first else { return }
        let more = others.count > 1 ? " and \((others.count - 1).of("other user's", "other users'"))" : ""
        Terminal.warn(
            "\(entry.title) is known as \(people.username(first))'s\(more), too. If you say that it is "
                + "\(entry.userID == account.userID ? "yours" : "\(name)'s"), it is not theirs: what they signed does not verify"
        )
    }

    func showDigits(of entry: TrustRegister.Entry) {
        Terminal.note("  \(entry.keyID == nil ? "signer" : "key") \(entry.subject)")
        for line in entry.keyID.map({ Fingerprint(of: $0).lines }) ?? [] { Terminal.note("    \(line)") }
    }

    func requireAcceptable(_ entry: TrustRegister.Entry) throws {
        let owned = register.trusted.owned(by: entry.userID).first { $0.subject == entry.subject }
        guard let owned, register.trusted.accepts(owned) else { throw nothingToAccept(entry.userID, entry) }
    }

    /// Why nothing of a user's can be taken on the server's word.
    func nothingToAccept(_ userID: String, _ entry: TrustRegister.Entry? = nil) -> Failure {
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
            .usage, "\(name) has no open key",
            hint: "“mmvault trust \(people.argument(userID))” lists them")
    }

    func currentEntry(of userID: String) throws -> TrustRegister.Entry {
        if withoutKey[userID] == nil,
            let entry = register.entries[userID]?.first(where: { $0.known?.isCurrent == true })
        {
            return entry
        }
        throw Failure(
            .usage, "the server shows no key of \(people.username(userID))",
            hint: "name one: “mmvault trust \(people.argument(userID))” lists them")
    }

    func namedEntry(of userID: String, _ choice: Trust.Choice) throws -> TrustRegister.Entry {
        guard let key = choice.key else {
            throw Failure(
                .usage, "which key of \(people.username(userID))?",
                hint: "“mmvault trust \(people.argument(userID))” lists them")
        }
        return try entry(of: userID, key)
    }
}
