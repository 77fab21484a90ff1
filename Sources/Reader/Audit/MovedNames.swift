internal import Archive

/// Names that were one user's and are another's, and users with keys who came to be called otherwise. Keys, decisions and
/// posts belong to an id; people read names.
final class MovedNames: Inspection {
    private let archive: Archive
    private let trusted: TrustedKeys

    init(_ archive: Archive, trusted: TrustedKeys) {
        self.archive = archive
        self.trusted = trusted
    }

    func findings(_ context: AuditContext) throws(ArchiveError) -> [Finding] {
        let keyed = Set(trusted.all.map(\.userID))
        return try archive.nameChanges().compactMap { change in
            if !change.formerOwners.isEmpty { return moved(change, context.names) }
            return keyed.contains(change.userID) ? renamed(change, context.names) : nil
        }
    }

    private func called(_ name: String) -> String { "@\(SafeText.shortName(name))" }

    private func moved(_ change: NameChange, _ names: AuditNames) -> Finding {
        let owners = change.formerOwners.map { "user \(SafeText.line($0))" }.joined(separator: ", ")
        let before = change.before.map { ", who was called \(called($0)) before," } ?? ""
        return names.finding(
            .movedNames,
            seen: """
                Since \(change.at.minute), \(called(change.after)) is user \(SafeText.line(change.userID))\(before) and no \
                longer \(owners). Everything that each of them wrote is shown under their newest name.
                """,
            canMean: [
                "The server swapped names, so that one person's messages are taken for another's.",
                "Somebody left, or was renamed, and the name was given to somebody else.",
            ],
            cannotMean: """
                No signature covers a name. Keys and decisions stay with the id: “mmvault trust” says what somebody was \
                called when you decided.
                """,
            users: [change.userID] + change.formerOwners, posts: [])
    }

    private func renamed(_ change: NameChange, _ names: AuditNames) -> Finding {
        names.finding(
            .movedNames,
            seen: """
                User \(SafeText.line(change.userID)), \(change.before.map(called) ?? "unknown") until then, is called \
                \(called(change.after)) since \(change.at.minute).
                """,
            canMean: ["The user, or an administrator, chose another name."],
            cannotMean: "No signature covers a name.",
            explanation: """
                Nobody else was seen to have that name, and people do change theirs. Keys and posts stay with the id.
                """,
            users: [change.userID], posts: [])
    }
}
