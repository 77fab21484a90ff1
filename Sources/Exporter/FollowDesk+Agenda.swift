extension FollowDesk {
    /// What is to be asked of the server.
    struct Agenda: Equatable, Sendable {
        /// All of it, as a pull does.
        var everything = false
        /// Which channels there are; those that are new are walked.
        var lists = false
        /// Every name and key.
        var people = false
        var channels: Set<String> = []
        var members: Set<String> = []
        var users: Set<String> = []
        var keys: Set<String> = []

        mutating func add(_ other: Agenda) {
            everything = everything || other.everything
            lists = lists || other.lists
            people = people || other.people
            channels.formUnion(other.channels)
            members.formUnion(other.members)
            users.formUnion(other.users)
            keys.formUnion(other.keys)
        }
    }
}
