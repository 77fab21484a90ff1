internal import Archive

/// Who was in a channel, and when: only as far as something says so.
///
/// Somebody was a member between two moments that say so (joining, being added, writing an encrypted post, standing in
/// the list of members, getting the posts), if nothing in between says that they left. Before the first such moment and
/// behind the last one, nothing is claimed.
struct Membership: Sendable {
    /// By user; direct and group channels never change, so that there it is all of time.
    private let spans: [String: [ClosedRange<Int64>]]
    /// Everybody of whom anything says that they were ever there.
    private let everSeen: Set<String>
    /// Whether somebody who was never seen here was probably never here: the list of members was seen, and so was how
    /// people came in.
    let isWellKnown: Bool
    /// How many users ever stood in the channel's list of members.
    let listedCount: Int

    private struct Moment {
        let at: Int64
        let isPresent: Bool
    }

    /// - Parameter ownerID: of the archive: whoever gets a channel's posts from the server is a member.
    init(
        _ channel: Channel, moves: [MemberMove], ownerID: String, archive: Archive
    ) throws(ArchiveError) {
        let sightings = try archive.memberSightings(channelID: channel.id)
        listedCount = sightings.count
        guard channel.kind != .direct, channel.kind != .group else {
            let named = channel.kind == .direct ? channel.name.split(separator: "_").map(String.init) : []
            everSeen = Set(named).union(sightings.keys)
            spans = everSeen.reduce(into: [:]) { $0[$1] = [Int64.min...Int64.max] }
            isWellKnown = named.count == 2 || sightings.count > 1
            return
        }
        let own = moves.filter { $0.channelID == channel.id || $0.channelID == nil }
        var moments: [String: [Moment]] = [:]
        for move in own { moments[move.userID, default: []].append(Moment(at: move.at, isPresent: move.isPresent)) }
        for (userID, range) in sightings {
            moments[userID, default: []] += [range.lowerBound, range.upperBound].map { Moment(at: $0, isPresent: true) }
        }
        for (userID, times) in try archive.memberAbsences(channelID: channel.id) {
            moments[userID, default: []] += times.map { Moment(at: $0, isPresent: false) }
        }
        if let at = try archive.lastDelivery(channelID: channel.id) {
            moments[ownerID, default: []].append(Moment(at: at, isPresent: true))
        }
        moments = moments.mapValues { $0.sorted(by: Membership.precedes) }
        for (userID, times) in try Membership.writings(channel, between: moments, archive) {
            moments[userID, default: []] += times
        }
        spans = moments.mapValues(Membership.spans)
        everSeen = Set(moments.keys)
        isWellKnown = !sightings.isEmpty && own.contains { $0.channelID == channel.id && $0.isPresent }
    }

    /// When people wrote: the first and the last time between two of their other moments, so that what is kept does not
    /// grow with the channel.
    private static func writings(
        _ channel: Channel, between moments: [String: [Moment]], _ archive: Archive
    ) throws(ArchiveError) -> [String: [Moment]] {
        var passed: [String: Int] = [:]
        var times: [String: [Int: ClosedRange<Int64>]] = [:]
        try archive.encryptedWritings(channelID: channel.id) { userID, at in
            let known = moments[userID] ?? []
            var place = passed[userID] ?? 0
            while place < known.count, known[place].at <= at { place += 1 }
            passed[userID] = place
            let first = times[userID]?[place]?.lowerBound ?? at
            times[userID, default: [:]][place] = first...at
        }
        return times.mapValues { ranges in
            ranges.values.flatMap { [$0.lowerBound, $0.upperBound] }.map { Moment(at: $0, isPresent: true) }
        }
    }

    /// At one moment, going counts last: nothing is claimed of what comes after.
    private static func precedes(_ left: Moment, _ right: Moment) -> Bool {
        left.at != right.at ? left.at < right.at : left.isPresent && !right.isPresent
    }

    /// The times between two moments next to each other that both say that somebody was there.
    private static func spans(_ moments: [Moment]) -> [ClosedRange<Int64>] {
        var result: [ClosedRange<Int64>] = []
        var open: ClosedRange<Int64>?
        for moment in moments.sorted(by: precedes) {
            if moment.isPresent {
                open = (open?.lowerBound ?? moment.at)...moment.at
            } else {
                result += [open].compactMap { $0 }
                open = nil
            }
        }
        return result + [open].compactMap { $0 }
    }

    /// The span around a moment in which a user was a member; nil where nothing says so.
    func span(of userID: String, at time: Int64) -> ClosedRange<Int64>? {
        spans[userID]?.first { $0.contains(time) }
    }

    func wasSeen(_ userID: String) -> Bool { everSeen.contains(userID) }
}
