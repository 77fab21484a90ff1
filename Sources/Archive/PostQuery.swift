/// Which posts of an archive, and in which order.
public struct PostQuery: Sendable {
    /// One channel's id.
    public var channelID: String
    /// Only posts of these users; nil for all.
    public var userIDs: [String]?
    /// Only posts with `create_at` in this range, whose end `Int64.max` stands for no end.
    public var createAt: Range<Int64>
    /// Only the posts at these places, each with what it said before; nil for all.
    public var places: ClosedRange<PostPlace>?
    /// Only posts of these types, as the server names them (`system_join_channel`); nil for all.
    public var types: [String]?
    /// Only the thread that began with the post of this id; nil for all.
    public var threadID: String?
    public var order: Order

    public enum Order: Sendable {
        /// Behind a post what it said before, the oldest first.
        case time
        /// Threads by their first post's time, each thread in the order of time; behind a post what it said before, the
        /// newest first.
        case threads
    }

    public init(
        channelID: String, userIDs: [String]? = nil, createAt: Range<Int64> = Int64.min..<Int64.max,
        places: ClosedRange<PostPlace>? = nil, types: [String]? = nil, threadID: String? = nil, order: Order = .time
    ) {
        self.channelID = channelID
        self.userIDs = userIDs
        self.createAt = createAt
        self.places = places
        self.types = types
        self.threadID = threadID
        self.order = order
    }
}

/// What a stored version is to its post. The words are part of the formats that scripts read.
public enum PostState: String, Sendable, CaseIterable {
    case live
    /// The newest archived version is a tombstone.
    case deleted
    /// An old revision with an id of its own.
    case revision
    /// A version that a newer one of the same id superseded.
    case earlier

    /// Whether it is what the post said before.
    public var isOld: Bool { self == .revision || self == .earlier }
}

/// One version of a post as the archive holds it.
public struct StoredVersion: Sendable {
    public let header: Header
    public let state: PostState
    /// The post's JSON, byte for byte as received; out of a frame of the WebSocket, where it stands as a string in
    /// JSON, that string's content; of a legal hold's post, what readers need of it.
    public let json: [UInt8]
    /// The name of the export that it was imported with; nil where the account's own server gave it.
    public let importName: String?
    /// Where the post is live and the server shows it no longer, without a tombstone.
    public let absence: NoticedAbsence?
    /// What the archive knows of the message in it; nil where it holds none, came in an import, or was read without an
    /// archive.
    public let past: MessagePast?

    init(
        header: Header, state: PostState, json: ArraySlice<UInt8>, importName: String? = nil,
        absence: NoticedAbsence? = nil, past: MessagePast? = nil
    ) {
        self.past = past
        self.header = header
        self.importName = importName
        self.absence = absence
        self.state = state
        // A copy: a slice would keep its whole page in memory for as long as the post is.
        self.json = Array(json)
    }

    public struct Header: Sendable {
        /// The place in the archive's order of arrival.
        public let sequence: Int64
        public let documentSequence: Int64
        public let id: String
        public let channelID: String
        public let userID: String
        public let rootID: String
        public let originalID: String
        public let type: String
        public let createAt: Int64
        public let updateAt: Int64
        public let editAt: Int64
        public let deleteAt: Int64
        /// Where it stands in its document's body.
        public internal(set) var range = 0..<0

        /// The id of the post that this is a version of: an old revision has an id of its own.
        public var identityID: String { originalID.isEmpty ? id : originalID }
        /// The id of the post that the thread began with.
        public var threadID: String { rootID.isEmpty ? identityID : rootID }
        /// Whether the times that it names can be right. A post that was not edited or deleted names none for that.
        public var hasPlausibleTimes: Bool {
            Timestamp(milliseconds: createAt).isPlausible
                && [updateAt, editAt, deleteAt].allSatisfy { $0 == 0 || Timestamp(milliseconds: $0).isPlausible }
        }
        public var place: PostPlace { PostPlace(createAt: createAt, postID: identityID) }
    }
}
