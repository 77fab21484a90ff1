import Archive
import ArgumentParser
import Bytes
import Reader

struct Channels: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the channels that can be read.",
        usage: "mmvault channels [<options>]",
        discussion: """
            By name, kind, posts that are not deleted, and the days of the first and last.
            Below it, where the server has archived the channel, or shows it no longer
            and why; “absence” in JSON says the same (docs/json.md). Needs no private key.

            EXAMPLES:
              mmvault channels
              mmvault channels --json | jq -r 'select(.posts > 1000).name'

            \(ExitCode.help(.damaged, .noArchive))
            """)

    @OptionGroup var vault: VaultOptions

    @Flag(help: "Who is in each channel, and who was, with the days on which a pull noticed it.")
    var members = false

    @Flag(help: "One JSON object a line for every channel, and nothing else.")
    var json = false

    func run() async throws {
        let open = try await OpenArchive(vault, keys: KeyOptions.none)
        let contents = try open.archive.contents()
        let teams = open.teams.sorted { ($0.label.lowercased(), $0.id) < ($1.label.lowercased(), $1.id) }
        // Channels of no team, or of one that the server did not list, come last.
        let known = Set(teams.map(\.id))
        let sections =
            teams.map { team in (team: team as Team?, channels: open.channels.filter { $0.teamID == team.id }) }
            + [(team: nil, channels: open.channels.filter { !known.contains($0.teamID) })]
        var isFirst = true
        for (team, channels) in sections where !channels.isEmpty {
            if !json, teams.count > 1 {
                if !isFirst { Terminal.print() }
                Terminal.print("\(SafeText.name(team?.label ?? "Direct and group messages")):")
            }
            isFirst = false
            for channel in channels {
                let contents = contents[channel.id] ?? ChannelContents()
                if json {
                    Terminal.write(json: line(channel, team, open.names, contents))
                } else {
                    describe(channel, open.people, contents)
                    if members { try describeMembers(of: channel, open) }
                }
            }
        }
        if isFirst, !json { Terminal.print("No channel is archived here. “mmvault pull” fetches them.") }
    }

    private func describe(_ channel: Channel, _ people: People, _ contents: ChannelContents) {
        let row = [
            Channels.name(channel, people).padded(to: 30), (channel.kind?.word ?? "").padded(to: 7),
            contents.live.grouped.rightAligned(in: 9), contents.live == 1 ? "post " : "posts",
        ].joined(separator: " ")
        var days = [contents.firstCreateAt, contents.lastCreateAt].compactMap { $0 }
            .map { Timestamp(milliseconds: $0).date }
        if days.first == days.last { days.removeFirst(min(1, days.count)) }
        Terminal.print("\(row)  \(days.joined(separator: " to "))".trimmedAtEnd)
        let notices = channel.notices + [channel.revisionNotice].compactMap { $0 }
        for notice in notices { Terminal.print("  \(notice)".wrapped(indent: 4)) }
    }

    private func describeMembers(of channel: Channel, _ open: OpenArchive) throws {
        let people = open.people
        let members = try open.archive.past(ofChannel: channel.id).members
            .map { (name: people.name($0.userID), since: $0.since, left: $0.left) }
        for member in members.sorted(by: { ($0.left != nil ? 1 : 0, $0.name) < ($1.left != nil ? 1 : 0, $1.name) }) {
            let left = member.left.map { ", no longer on \($0.date)" } ?? ""
            Terminal.print("    \(member.name), seen on \(member.since.date)\(left)".wrapped(indent: 6))
        }
    }

    /// What a person types to read it, and what else it is called where that says more.
    private static func name(_ channel: Channel, _ people: People) -> String {
        guard channel.kind == .open || channel.kind == .private, !channel.name.isEmpty, !channel.displayName.isEmpty
        else { return people.label(channel) }
        let (name, label) = (SafeText.line(channel.name), SafeText.name(channel.displayName))
        return label.lowercased().replacing(" ", with: "-") == name ? name : "\(name) (\(label))"
    }

    private func line(
        _ channel: Channel, _ team: Team?, _ names: ChannelNames, _ contents: ChannelContents
    ) -> [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.string("id", channel.id)
            json.string("name", channel.name)
            json.string("display_name", names.label(channel))
            json.string("kind", channel.kind?.word)
            json.string("team", team?.name)
            json.int("posts", contents.live)
            json.int("deleted", contents.deleted)
            if let first = contents.firstCreateAt { json.int("first", first) } else { json.null("first") }
            if let last = contents.lastCreateAt { json.int("last", last) } else { json.null("last") }
            json.int("delete_at", channel.deleteAt)
            json.absence(channel.absence)
            json.gaps(of: channel)
        }
        return json.bytes + [UInt8(ascii: "\n")]
    }
}

extension Team {
    fileprivate var label: String { displayName.isEmpty ? name : displayName }
}

extension Channel.Kind {
    /// The word for a list. Scripts rely on it.
    fileprivate var word: String {
        switch self {
        case .open: "public"
        case .private: "private"
        case .direct: "direct"
        case .group: "group"
        }
    }
}
