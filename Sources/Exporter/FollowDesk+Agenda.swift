internal import Archive

extension FollowDesk {
    /// What is to be asked of the server.
    struct Agenda: Equatable, Sendable {
        /// All of it, as a pull does.
        var everything = false
        /// Which channels there are; those that are new are walked.
        var lists = false
        /// Every name and key.
        var people = false
        /// Channels whose posts are asked for, and their files.
        var channels: Set<String> = []
        /// Channels of whose new posts the files are fetched.
        var files: Set<String> = []
        var members: Set<String> = []
        var users: Set<String> = []
        var keys: Set<String> = []

        mutating func add(_ other: Agenda) {
            everything = everything || other.everything
            lists = lists || other.lists
            people = people || other.people
            channels.formUnion(other.channels)
            files.formUnion(other.files)
            members.formUnion(other.members)
            users.formUnion(other.users)
            keys.formUnion(other.keys)
        }

        /// What a whole pull was not told.
        static func left(by report: PullReport) -> Agenda {
            Agenda(
                people: report.keysFailure != nil, channels: Set(report.failures.map(\.channel.id)),
                members: Set(report.membersFailures.map(\.channel.id)))
        }
    }
}
