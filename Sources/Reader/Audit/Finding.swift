public import Archive
public import Bytes
public import E2EE

/// One thing that an audit came upon: what was seen, what it can mean and cannot, and where it is.
public struct Finding: Sendable {
    /// The words are part of the format, and anchors in docs/threat-model.md.
    public enum Kind: String, Sendable, CaseIterable, Comparable {
        case repeatedCiphertext = "repeated-ciphertext"
        case misattributedPosts = "misattributed-posts"
        case unrecordedSigners = "unrecorded-signers"
        case unknownRecipients = "recipients-nobody-knows"
        case missingRecipients = "missing-recipients"
        case keysInTheMiddle = "keys-in-the-middle"
        case sharedKeys = "keys-of-several-users"
        case severalEncryptionPoints = "keys-with-one-signing-point"
        case unansweredKeys = "keys-without-an-answer"
        case datedBack = "dated-back"
        case afterSuccession = "written-after-succession"
        case rolledBack = "rolled-back"
        case editedInTheClear = "edited-in-the-clear"
        case duplicateRecipients = "duplicate-recipients"
        case sharedEphemeralKeys = "shared-ephemeral-keys"
        case clearText = "clear-text-in-an-encrypted-channel"
        case backwardTimes = "times-that-run-backwards"
        case changedInPlace = "changed-in-place"
        case movedNames = "names-that-moved"
        case vanishedPosts = "vanished-posts"
        case drafts = "drafts-on-the-server"

        /// Where users can read more about it.
        public var reference: String { "threat-model.md#\(rawValue)" }

        public static func < (left: Kind, right: Kind) -> Bool { left.place < right.place }
        private var place: Int { Kind.allCases.firstIndex(of: self) ?? 0 }
    }

    /// Where in one channel.
    public struct Place: Sendable {
        public let channelID: String
        /// What people call the channel: foreign text.
        public let label: String
        /// The oldest first.
        public let posts: [PostReference]
    }

    public let kind: Kind
    /// A sentence; names in it are neutralised.
    public let seen: String
    public let canMean: [String]
    public let cannotMean: String
    /// Why it is held to be harmless, where it is; such a finding is shown and does not count.
    public let explanation: String?
    /// Whom it is about, and by whom the posts are.
    public let userIDs: [String]
    public let keyIDs: [KeyID]
    /// Of a copy: the post that it is a copy of.
    public let original: PostReference?
    public let places: [Place]
    let usernames: [String: String]
    /// Of posts that were edited in the clear: when, in the order of time; by the posts' ids.
    public internal(set) var edits: [String: [Int64]] = [:]
    /// Of these: which versions the server had when they were archived, as far as it was noted.
    public internal(set) var serverVersions: [String] = []
    /// The drafts that it is about. They are no posts, and what they say is not told.
    public internal(set) var drafts: [SeenDraft] = []

    public var isExplained: Bool { explanation != nil }
    /// How many; one that stood in two channels is one.
    public var posts: Int { Finding.count(places) }
    /// When the first and the last of its posts were written, as the server says.
    public var range: ClosedRange<Int64>? { Finding.range(of: places) }

    private static func count(_ places: [Place]) -> Int { Set(places.flatMap(\.posts).map(\.id)).count }

    private static func range(of places: [Place]) -> ClosedRange<Int64>? {
        let times = places.flatMap(\.posts).map(\.createAt)
        guard let first = times.min(), let last = times.max() else { return nil }
        return first...last
    }

    /// One object; docs/audit.md describes it.
    ///
    /// - Parameter channels: the ids of those whose posts may be named; nil for all. Of the others there is a count then.
    public func write(to json: inout JSONWriter, channels: Set<String>? = nil) {
        func isShown(_ channelID: String) -> Bool { channels?.contains(channelID) != false }
        let places = places.filter { isShown($0.channelID) }
        let shown = Finding.count(places)
        let range = Finding.range(of: places)
        json.object { json in
            json.string("kind", kind.rawValue)
            json.bool("explained", isExplained)
            json.string("seen", seen)
            json.array("can_mean") { json in for meaning in canMean { json.string(nil, meaning) } }
            json.string("cannot_mean", cannotMean)
            json.string("explanation", explanation)
            json.array("users") { json in
                for id in userIDs {
                    json.object {
                        $0.string("id", id)
                        $0.string("username", usernames[id])
                    }
                }
            }
            json.array("key_ids") { json in for id in keyIDs { json.string(nil, id.description) } }
            json.int("posts", shown)
            if channels != nil { json.int("posts_elsewhere", posts - shown) }
            json.string("first", range.map { Timestamp(milliseconds: $0.lowerBound).iso8601 })
            json.string("last", range.map { Timestamp(milliseconds: $0.upperBound).iso8601 })
            if let original, isShown(original.channelID) {
                Finding.write(original, "original", to: &json)
            } else {
                json.null("original")
            }
            if channels != nil {
                json.bool("original_elsewhere", original.map { !isShown($0.channelID) } ?? false)
            }
            json.array("places") { json in
                for place in places {
                    json.object { json in
                        json.string("channel_id", place.channelID)
                        json.string("channel", place.label)
                        json.array("posts") { json in
                            for post in place.posts { Finding.write(post, nil, edits: edits[post.id], to: &json) }
                        }
                    }
                }
            }
            if kind == .editedInTheClear {
                json.array("server_versions") { json in for version in serverVersions { json.string(nil, version) } }
            }
            if !drafts.isEmpty { json.array("drafts") { json in for draft in drafts { write(draft, to: &json) } } }
            json.string("see", kind.reference)
        }
    }

    private func write(_ seen: SeenDraft, to json: inout JSONWriter) {
        json.object {
            $0.string("channel_id", seen.draft.channelID)
            $0.bool("encrypted_channel", !isExplained)
            $0.string("user_id", seen.draft.userID)
            $0.string("root_id", seen.draft.rootID)
            $0.string("create_at", Timestamp(milliseconds: seen.draft.createAt).iso8601)
            $0.string("update_at", Timestamp(milliseconds: seen.draft.updateAt).iso8601)
            $0.string("first_seen", seen.firstSeen.iso8601)
            $0.string("last_seen", seen.lastSeen.iso8601)
            $0.string("gone_since", seen.goneSince?.iso8601)
        }
    }

    /// - Parameter edits: when it was edited in the clear, where the finding is about that.
    private static func write(
        _ post: PostReference, _ name: String?, edits: [Int64]? = nil, to json: inout JSONWriter
    ) {
        json.object(name) {
            $0.string("id", post.id)
            $0.string("channel_id", post.channelID)
            $0.string("user_id", post.userID)
            $0.string("create_at", Timestamp(milliseconds: post.createAt).iso8601)
            guard let edits else { return }
            $0.array("edited_at") { json in
                for edit in edits { json.string(nil, Timestamp(milliseconds: edit).iso8601) }
            }
        }
    }
}
