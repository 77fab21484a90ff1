extension Suspicion {
    /// Why, for a person.
    public var reason: String {
        switch self {
        case .datedBack: "dated before its key was known, when the author used another one"
        case .afterSuccession: "written after another key of the author's took this one's place"
        case .rolledBack: "an earlier message of this post, shown again after it was edited"
        case .repeated: "the message of another post, shown again in this one"
        case .editedInTheClear: "the server has a text in the clear beside it, which nobody signed"
        }
    }
}
