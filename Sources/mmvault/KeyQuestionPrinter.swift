import Archive
import E2EE
import Reader

/// Shows the open questions about keys: whose, since when, and what rests on the answer.
struct KeyQuestionPrinter {
    let people: People
    let ownerID: String

    /// Of a user's keys that nothing but one showing speaks of, so many are listed; a server can show thousands.
    static let idleKeysShown = 3

    /// Reads what is asked in an archive, and shows it; nothing where nothing is. With the keys that were rejected and that
    /// the server shows nevertheless: clients encrypt for them.
    static func show(_ archive: Archive, _ trusted: TrustedKeys) async throws {
        let questions = try await KeyQuestions(archive, trusted: trusted).run()
        let account = try archive.account()
        let people = People(
            account: account, users: try archive.users(), teams: [], names: trusted.record.names)
        for owned in trusted.rejectedAndShown {
            Terminal.warn(
                "the server shows key \(owned.subject.prefix(16))… for \(people.username(owned.userID)), which you rejected. "
                    + "What it signs does not verify, but colleagues' clients encrypt for it")
        }
        for sighting in trusted.unusable
        where trusted.record.keys.shownNow(of: sighting.userID)?.keyID == sighting.keyID {
            Terminal.warn(
                "what the server shows for \(people.username(sighting.userID)) is no key: \(sighting.keyID.prefix(16))… is not "
                    + "on the curve, and counts as if it showed none")
        }
        KeyQuestionPrinter(people: people, ownerID: account.userID).print(questions)
    }

    func print(_ questions: [KeyQuestion]) {
        guard !questions.isEmpty else { return }
        Terminal.print()
        Terminal.print(
            Terminal.alarming(
                questions.count == 1 ? "One open question:" : "\(questions.count.grouped) open questions:"))
        let byUser = questions.reduce(into: [(userID: String, questions: [KeyQuestion])]()) { groups, question in
            if groups.last?.userID != question.userID { groups.append((question.userID, [])) }
            groups[groups.count - 1].questions.append(question)
        }
        for (userID, asked) in byUser {
            let idle = asked.filter(\.isIdle)
            let isCut = idle.count > Self.idleKeysShown
            for question in asked where !isCut || !question.isIdle {
                for line in lines(question) { Terminal.print(line) }
                Terminal.print("    \(command(question))")
            }
            guard isCut else { continue }
            for line in lines(idle, of: userID) { Terminal.print(line) }
        }
        for line in answers(questions) { Terminal.print(line) }
    }

    /// The ways to answer.
    private func answers(_ questions: [KeyQuestion]) -> [String] {
        let others = questions.filter { $0.userID != ownerID }
        var ways: [String] = []
        if !others.isEmpty {
            ways.append("“trust confirm” compares the digits with your colleague, which is safe.")
            let acceptable = Set(others.filter { $0.isAcceptable && $0.isShownNow }.map(\.userID)).sorted()
            if let user = acceptable.first {
                ways.append("To take the server's word:")
                ways.append("  mmvault trust accept \(acceptable.count == 1 ? people.argument(user) : "--all")")
            }
        }
        if questions.count > others.count {
            ways.append("“key mine” says that you made the key.")
        }
        if let first = questions.first {
            let isOne = questions.count == 1
            ways.append("If a key is not \(others.isEmpty ? "yours" : "theirs"):")
            ways.append(
                isOne
                    ? "  mmvault trust reject \(people.argument(first.userID)) \(digits(first))"
                    : "  mmvault trust reject USER KEY")
        }
        return ways
    }

    private func digits(_ question: KeyQuestion) -> String {
        String((question.keyID?.description ?? question.signer.description).prefix(8))
    }

    /// What answers a question, to be copied.
    private func command(_ question: KeyQuestion) -> String {
        question.userID == ownerID
            ? "mmvault key mine \(digits(question))"
            : "mmvault trust confirm \(people.argument(question.userID)) \(digits(question))"
    }

    private func lines(_ idle: [KeyQuestion], of userID: String) -> [String] {
        let first = idle.compactMap(\.firstSeen).min()?.date ?? ""
        let last = idle.compactMap(\.lastSeen).max()?.date ?? ""
        return [
            "  \(people.username(userID)): \(idle.count.grouped) more keys:",
            "    the server showed them \(TrustDesk.span(first, last)), and does not now",
            "    they signed no post yet",
            "    mmvault trust reject \(people.argument(userID)) --unused",
        ]
    }

    /// Who, since when, for how many stable days, and how many posts rest on it.
    func lines(_ question: KeyQuestion) -> [String] {
        let isOwner = question.userID == ownerID
        let name = people.username(question.userID)
        let what = question.keyID.map { "key \($0.short)…" } ?? "signer \(question.signer.short)…"
        let asked = isOwner ? "did you make it?" : "is it theirs?"
        var lines = ["  \(name)\(isOwner ? " (you)" : ""): \(what): \(asked)"]
        var facts: [String] = []
        if let first = question.firstSeen, let last = question.lastSeen {
            let days = question.stableDays
            facts.append(
                question.isShownNow
                    ? "first shown by the server on \(first.date)\(days == 0 ? "" : "; \(days.of("day")) without a change")"
                    : "the server showed it \(TrustDesk.span(first.date, last.date)), and does not now")
        } else {
            facts.append(
                question.isRestored ? "you restored it; the server never showed it" : "the server never showed it")
        }
        facts.append(question.posts == 0 ? "it signed no post yet" : "it signed \(question.posts.of("post"))")
        if let dispute = question.dispute { facts.append("DISPUTED: \(dispute.words)") }
        if people.isAmbiguous(question.userID) { facts.append("another user has, or had, a name like this one") }
        if let other = question.otherUserID { facts.append("also known as \(people.username(other))'s") }
        if question.ownLists > 0, !isOwner {
            facts.append("your own client encrypted \(question.ownLists.of("message")) for it")
        }
        for fact in facts { lines.append("    \(fact)".wrapped(indent: 6)) }
        return lines
    }
}
