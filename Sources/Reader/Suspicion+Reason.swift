extension Suspicion {
    /// Why, for a person.
    public var reason: String {
        switch self {
        case .datedBack: "dated before its key was known, when the author used another one"
        case .afterSuccession: "written, or first shown by the server, after another key took this one's place"
        case .rolledBack: "an earlier message of this post, shown again after it was edited"
        case .repeated: "the message of another post, shown again in this one"
        case .moved: "it first stood in another channel or thread, or with another author or time"
        case .editedInTheClear: "the server has a text in the clear beside it, which nobody signed"
        case .implausibleTime: "the time that it has cannot be right"
        }
    }
}
