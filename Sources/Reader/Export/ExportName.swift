internal import Archive

/// Names for the files of an export. Channels, teams and users are called by others, and nothing they choose may place a
/// file elsewhere, hide it, or make two of them one.
enum ExportName {
    /// Bytes; every file system takes 255, and an id and an ending are still to come.
    private static let maximumLength = 80
    /// Device names that some systems see in any folder and with any ending.
    private static let reserved: Set<String> = Set(
        ["con", "prn", "aux", "nul"] + (1...9).flatMap { ["com\($0)", "lpt\($0)"] })

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
        // No hidden file, no parent directory, and no ending that Windows would drop.
        while result.hasPrefix(".") { result = "_" + result.dropFirst() }
        while result.hasSuffix(".") { result = result.dropLast() + "_" }
        let stem = result.prefix { $0 != "." }.lowercased()
        if reserved.contains(stem) { result = "_" + result }
        return result.isEmpty ? "_" : result
    }

    /// A path for each channel, `TEAM/CHANNEL`, by channel id. Names that some file system takes for the same get the
    /// channel's id behind them, all of them, so that none depends on the order.
    static func paths(_ channels: [Channel], teams: [Team], names: ChannelNames) -> [String: String] {
        let teamNames = Dictionary(teams.map { ($0.id, $0.name) }, uniquingKeysWith: { first, _ in first })
        func path(_ channel: Channel) -> String {
            switch channel.kind {
            case .direct: "direct/\(component(names.label(channel)))"
            case .group: "group/\(component(names.label(channel)))"
            default:
                "\(component(teamNames[channel.teamID] ?? "no-team"))/"
                    + component(channel.name.isEmpty ? channel.id : channel.name)
            }
        }
        let groups = Dictionary(grouping: channels) { path($0).lowercased() }
        var result: [String: String] = [:]
        for channel in channels {
            let wanted = path(channel)
            let isAlone = groups[wanted.lowercased()]?.count == 1
            result[channel.id] = isAlone ? wanted : "\(wanted)-\(component(channel.id))"
        }
        return result
    }
}
