public import Archive

/// What somebody wants to find, in the language that Mattermost's own search taught them, with a few filters more:
///
///     words that must occur  "a phrase"  begin*  -without  -"this phrase"  #tag
///     from:user  in:channel  on:2026-11-23  before:2026-11  after:2025  has:file
///     is:edited  is:deleted  verdict:signatureInvalid  -from:bob
///
/// A query says exactly one thing or is refused. Nothing is looked up: whether a user exists is for the caller to say.
public struct SearchQuery: Equatable, Sendable {
    /// Something to find in a post's text, as typed, but with one space for any run of spaces and control characters.
    /// Each term holds a letter, a digit or an emoji; there may be punctuation around and in it.
    public enum Term: Hashable, Sendable {
        case word(String)
        /// Any word that begins so; `*` itself is left out.
        case prefix(String)
        /// What stood between quotes: these words, in this order.
        case phrase(String)
        /// A hashtag without its `#`.
        case tag(String)
    }

    /// What every post found holds.
    public internal(set) var required: [Term] = []
    /// What no post found holds.
    public internal(set) var excluded: [Term] = []

    /// User names, any of which may be the author; none for all. `me` is for the caller to resolve. A leading `@` is
    /// left out.
    public internal(set) var from: [String] = []
    /// User names, none of which is the author.
    public internal(set) var notFrom: [String] = []
    /// Names of channels, any of which may be the place; none for all. A leading `~` is left out; a leading
    /// `@`, as of a direct channel, is not.
    public internal(set) var channels: [String] = []
    /// Names of channels, none of which is the place.
    public internal(set) var notChannels: [String] = []

    /// When the post was written, in milliseconds since 1970; never empty.
    public internal(set) var createAt: Range<Int64> = Int64.min..<Int64.max
    /// Days, months and years to leave out of `createAt`, as ranges of the same kind.
    public internal(set) var notCreateAt: [Range<Int64>] = []

    /// Whether a file hangs on the post; nil where that is all the same. So with the two below.
    public internal(set) var hasFile: Bool?
    /// Whether the post was edited.
    public internal(set) var isEdited: Bool?
    /// Whether the post was deleted.
    public internal(set) var isDeleted: Bool?

    /// Words, any of which may describe the verdict; none for all.
    public internal(set) var verdicts: [VerdictWord] = []
    /// Words, none of which describes the verdict.
    public internal(set) var notVerdicts: [VerdictWord] = []

    /// Reads a query, in time that grows with its length and no faster.
    ///
    /// `today` is any moment of the day, in UTC, that `on:today` means.
    public init(_ text: String, today: Timestamp) throws(SearchQueryError) {
        var parser = SearchQueryParser(text, today: today)
        self = try parser.parse()
    }

    /// A query without any demand, for the parser to fill.
    init() {}
}
