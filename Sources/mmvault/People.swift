import Archive
import Reader

/// Who is who. Every name is other people's choice, and safe to show.
struct People {
    private let account: Account
    private let names: ChannelNames
    private let users: [String: User]
    private let teams: [String: Team]
    private let book: NameBook

    /// - Parameters:
    ///   - channels: those that stand beside each other.
    ///   - names: who bore which name when.
    init(account: Account, users: [User], teams: [Team], channels: [Channel] = [], names bearings: [NameBearing]) {
        self.account = account
        book = NameBook(bearings)
        names = ChannelNames(users: users, ownID: account.userID, channels: channels, teams: teams)
        self.users = Dictionary(users.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
        self.teams = Dictionary(teams.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// `Bob Okafor (@bob)`; only `@bob` where there is no other name.
    func name(_ userID: String) -> String {
        guard let user = users[userID], user.displayName != user.username else { return username(userID) }
        return "\(SafeText.name(user.displayName)) (\(username(userID)))"
    }

    /// `@bob`; `@bob [user 7f3kq8]` where another user is, or was, called alike.
    func username(_ userID: String) -> String {
        book.tell("@\(SafeText.name(users[userID]?.username ?? userID))", of: userID)
    }

    /// The same in so many columns: of what is too long, the name is cut, and not what tells it from another.
    func username(_ userID: String, columns: Int) -> String {
        let distinction = book.distinction(userID)
        let name = String(username(userID).dropLast(distinction.count))
        return name.clipped(to: max(columns - distinction.columns, 2)) + distinction
    }

    /// Whether another user is, or was, called alike.
    func isAmbiguous(_ userID: String) -> Bool { book.isAmbiguous(userID) }

    /// As it is typed behind a command: `@bob`; the id where a shell would make something else of the name.
    func argument(_ userID: String) -> String {
        func isPlain(_ text: String) -> Bool {
            text.wholeMatch(of: /[A-Za-z0-9._-]+/) != nil
        }
        let name = username(userID)
        if isPlain(String(name.dropFirst())), !book.isAmbiguous(userID) { return name }
        return isPlain(userID) ? userID : "USER"
    }

    func label(_ channel: Channel) -> String { SafeText.name(book.tell(channel, names)) }

    func team(of channel: Channel) -> String? {
        teams[channel.teamID].map { SafeText.name($0.displayName.isEmpty ? $0.name : $0.displayName) }
    }

    /// By whose eyes everything is seen.
    var me: String { "\(SafeText.name(account.username)) sees it \(SafeText.line(account.whereSeen))" }
}

extension Channel {
    var kindInWords: String {
        switch kind {
        case .open: "public channel"
        case .private: "private channel"
        case .direct: "direct messages"
        case .group: "group messages"
        case nil: "channel"
        }
    }

    /// What is to be known before one reads it: that the server lists it no longer, or has archived it.
    var notices: [String] {
        let absent = absence.map { "\($0.reason.words) since \($0.since.date); kept as it is" }
        let archived = deleteAt > 0 ? "archived on the server on \(Timestamp(milliseconds: deleteAt).date)" : nil
        return [absent, archived].compactMap { $0 } + incompleteness
    }

    /// That earlier versions of its posts may be missing, for a person; nil where not.
    var revisionNotice: String? { mayLackRevisions ? Channel.revisionNotice : nil }

    static let revisionNotice =
        "the server did not tell of every change: old versions of edited posts may be missing"

    /// What is missing of it, and what the server hides, for a person.
    var incompleteness: [String] {
        let isHiddenMissing = gaps.contains { if case .hidden = $0 { true } else { false } }
        let hidden = isHiddenMissing ? nil : hiddenUntil.map { HistoryGap.hidden(until: $0).words }
        return gaps.map { "NOT complete: \(SafeText.line($0.words))" }
            + [hidden.map { "\($0); what is archived is kept" }].compactMap { $0 }
    }
}
