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
            Needs no private key.

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
        let frozen = try open.archive.absences(.channel).mapValues(\.since)
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
                    Terminal.write(line(channel, team, open.names, contents, frozen[channel.id]))
                } else {
                    describe(channel, open.names, contents, frozen[channel.id])
                    if members { try describeMembers(of: channel, open) }
                }
            }
        }
        if isFirst, !json { Terminal.print("No channel is archived here. “mmvault pull” fetches them.") }
    }

    private func describe(
        _ channel: Channel, _ names: ChannelNames, _ contents: ChannelContents, _ frozen: Timestamp?
    ) {
        let row = [
            Channels.name(channel, names).padded(to: 30), (channel.kind?.word ?? "").padded(to: 7),
            contents.live.grouped.rightAligned(in: 9), contents.live == 1 ? "post " : "posts",
        ].joined(separator: " ")
        var days = [contents.firstCreateAt, contents.lastCreateAt].compactMap { $0 }
            .map { Timestamp(milliseconds: $0).date }
        if days.first == days.last { days.removeFirst(min(1, days.count)) }
        Terminal.print("\(row)  \(days.joined(separator: " to "))".trimmedAtEnd)
        if let frozen { Terminal.print("  no longer listed by the server since \(frozen.date); kept as it is") }
        guard channel.deleteAt > 0 else { return }
        Terminal.print("  archived on the server on \(Timestamp(milliseconds: channel.deleteAt).date)")
    }

    private func describeMembers(of channel: Channel, _ open: OpenArchive) throws {
        let people = People(account: open.account, users: open.users, teams: open.teams)
        let absences = try open.archive.absences(.member)
        let members = try open.archive.members(channelID: channel.id)
            .map { (name: people.name($0.key), since: $0.value, left: absences["\(channel.id):\($0.key)"]?.since) }
        for member in members.sorted(by: { ($0.left != nil ? 1 : 0, $0.name) < ($1.left != nil ? 1 : 0, $1.name) }) {
            let left = member.left.map { ", no longer on \($0.date)" } ?? ""
            Terminal.print("    \(member.name), seen on \(member.since.date)\(left)".wrapped(indent: 6))
        }
    }

    /// What a person types to read it, and what else it is called where that says more.
    private static func name(_ channel: Channel, _ names: ChannelNames) -> String {
        let label = SafeText.line(names.label(channel))
        guard channel.kind == .open || channel.kind == .private, !channel.name.isEmpty else { return label }
        let name = SafeText.line(channel.name)
        return label.lowercased().replacing(" ", with: "-") == name ? name : "\(name) (\(label))"
    }

    private func line(
        _ channel: Channel, _ team: Team?, _ names: ChannelNames, _ contents: ChannelContents, _ frozen: Timestamp?
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
            if let frozen { json.int("frozen_since", frozen.milliseconds) } else { json.null("frozen_since") }
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
