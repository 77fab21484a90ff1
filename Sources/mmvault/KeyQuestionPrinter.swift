import Archive
import E2EE
import Reader

/// Shows the open questions about keys: whose, since when, and what rests on the answer.
struct KeyQuestionPrinter {
    let people: People
    let ownerID: String

    /// Reads what is asked in an archive, and shows it; nothing where nothing is.
    static func show(_ archive: Archive, _ trusted: TrustedKeys) async throws {
        let questions = try await KeyQuestions(archive, trusted: trusted).run()
        let account = try archive.account()
        let people = People(
            account: account, users: try archive.users(), teams: [], names: trusted.record.names)
        KeyQuestionPrinter(people: people, ownerID: account.userID).print(questions)
    }

    func print(_ questions: [KeyQuestion]) {
        guard !questions.isEmpty else { return }
        Terminal.print()
        Terminal.print(Terminal.alarming(questions.count == 1 ? "One open question:" : "Open questions:"))
        for question in questions { for line in lines(question) { Terminal.print(line) } }
        if questions.contains(where: { $0.isAcceptable && $0.isShownNow }) {
            Terminal.print("“mmvault trust accept --all” takes these keys on the server's word;".wrapped())
        }
        let others = Set(questions.filter { $0.userID != ownerID }.map(\.userID)).sorted()
        if let user = others.first {
            let name = others.count == 1 ? people.argument(user) : "USER"
            Terminal.print("“mmvault trust confirm \(name)” compares the digits, which is safe.".wrapped())
        }
        if questions.contains(where: { $0.userID == ownerID }) {
            Terminal.print(
                "“mmvault key mine KEY” says that you made a key, “mmvault trust reject” that you did not.".wrapped())
        }
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
                    ? "shown by the server since \(first.date), \(days == 0 ? "not a day yet" : "\(days.of("day")) without a change")"
                    : "shown by the server from \(first.date) to \(last.date), and not now")
        } else {
            facts.append(
                question.isRestored ? "you restored it; the server never showed it" : "the server never showed it")
        }
        facts.append(question.posts == 0 ? "it signed no post yet" : "it signed \(question.posts.of("post"))")
        if question.standing == .disputed {
            facts.append("DISPUTED: shown between two sightings of another key, or for several users")
        }
        if let other = question.otherUserID { facts.append("also known as \(people.username(other))'s") }
        if question.ownLists > 0, !isOwner {
            facts.append("your own client encrypted \(question.ownLists.of("message")) for it")
        }
        for fact in facts { lines.append("    \(fact)".wrapped(indent: 6)) }
        return lines
    }
}
