internal import Archive

/// Names for the files of an export. Channels, teams and users are called by others, and nothing they choose may place a
/// file elsewhere, hide it, or make two of them one.
enum ExportName {
    /// Bytes; every file system takes 255, and an id and an ending are still to come.
    private static let maximumLength = 80
    /// Device names that some systems see in any folder and with any ending.
    private static let reserved: Set<String> = Set(
        ["con", "prn", "aux", "nul"] + "123456789¹²³".flatMap { ["com\($0)", "lpt\($0)"] })
    /// The export's own files, whose names no team's folder may have.
    private static let ownFiles: Set<String> = ["incomplete", "sha256sums", "manifest.json", "posts.jsonl", "files"]

    /// One component of a path, made of what a person would recognise.
    static func component(_ name: String) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            let isKept =
                scalar.properties.isAlphabetic || scalar.properties.numericType != nil
                || scalar.properties.generalCategory == .nonspacingMark || "-_.@+".unicodeScalars.contains(scalar)
            let next = isKept && SafeText.line(String(scalar)) == String(scalar) ? String(scalar) : "_"
            guard result.utf8.count + next.utf8.count <= maximumLength else { break }
            result += next
        }
        // No hidden file, no parent directory, nothing that a command takes for an option, and no ending that Windows
        // would drop. By scalars: a dot with an accent on it is one character, and still a dot.
        var scalars = Array(result.unicodeScalars)
        if let first = scalars.first, first == "." || first == "-" { scalars[0] = "_" }
        if scalars.last == "." { scalars[scalars.count - 1] = "_" }
        let stem = String(String.UnicodeScalarView(scalars.prefix { $0 != "." })).lowercased()
        if reserved.contains(stem) { scalars.insert("_", at: 0) }
        return scalars.isEmpty ? "_" : String(String.UnicodeScalarView(scalars))
    }

    /// A name for a file of a post: its id, which no other has, and what its sender called it. Of a long name the ending
    /// stays, too.
    static func file(_ id: String, name: String) -> String {
        let safe = component(name)
        let ending = name.unicodeScalars.reversed().prefix { $0 != "." }.reversed()
        guard name.utf8.count > maximumLength, ending.count < 10, ending.count < name.unicodeScalars.count else {
            return "\(component(id))-\(safe)"
        }
        return "\(component(id))-\(safe).\(component(String(String.UnicodeScalarView(ending))))"
    }

    /// A path for each channel, `TEAM/CHANNEL`, by channel id. Names that some file system takes for the same get the
    /// channel's id behind them, all of them, so that none depends on the order; so do names that end as if they had
    /// one, which keeps those that have it apart from all others.
    static func paths(_ channels: [Channel], teams: [Team], names: ChannelNames) -> [String: String] {
        let teamNames = Dictionary(teams.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        func path(_ channel: Channel) -> String {
            switch channel.kind {
            case .direct: "direct/\(component(names.label(channel)))"
            case .group: "group/\(component(names.label(channel)))"
            default:
                "\(folder(teamNames[channel.teamID] ?? "no-team"))/"
                    + component(channel.name.isEmpty ? channel.id : channel.name)
            }
        }
        let groups = Dictionary(grouping: channels) { folded(path($0)) }
        var result: [String: String] = [:]
        for channel in channels {
            let wanted = path(channel)
            let isAlone = groups[folded(wanted)]?.count == 1 && !endsLikeID(wanted)
            result[channel.id] = isAlone ? wanted : "\(wanted)-\(component(channel.id))"
        }
        return result
    }

    /// Whether a channel may have this path in an export: one that another channel shares is followed by the id. Of direct and
    /// group channels, which are called by people, no more is known than the folder.
    static func isPath(_ path: String, of channel: Channel, teams: [Team]) -> Bool {
        let names = ChannelNames(users: [], ownID: "")
        guard let wanted = paths([channel], teams: teams, names: names)[channel.id] else { return false }
        switch channel.kind {
        case .direct, .group:
            let parts = path.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == 2 && wanted.hasPrefix("\(parts[0])/") && component(String(parts[1])) == parts[1]
        default: return path == wanted || path == "\(wanted)-\(component(channel.id))"
        }
    }

    private static func folder(_ team: String) -> String {
        let name = component(team)
        return ownFiles.contains(folded(name)) ? "_\(name)" : name
    }

    /// The same for names that a file system which ignores case may take for the same: `ß` and `SS` too. Strings that
    /// differ in how accents are encoded are equal already.
    private static func folded(_ name: String) -> String { name.uppercased().lowercased() }

    private static func endsLikeID(_ name: String) -> Bool {
        let end = name.utf8.suffix(27)
        return end.first == UInt8(ascii: "-")
            && PostHeader.isIdentifier(String(decoding: end.dropFirst(), as: UTF8.self).lowercased())
    }
}
