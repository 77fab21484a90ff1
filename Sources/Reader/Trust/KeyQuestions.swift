public import Archive
internal import Bytes
public import E2EE

/// A signer of whom the archive's owner has not said whether it is the user's, and with what helps to answer.
public struct KeyQuestion: Sendable {
    public let userID: String
    public let signer: SignerID
    /// The key with this signing point; nil where no encryption point is known.
    public let keyID: KeyID?
    /// `succeeding` or `disputed`.
    public let standing: Standing
    public let dispute: Dispute?
    /// When the server showed it first, and last; nil where it never did.
    public let firstSeen: Timestamp?
    public let lastSeen: Timestamp?
    /// Since when all answers about the user show this very key; nil where the newest does not.
    public let shownSince: Timestamp?
    /// Whether the server's newest answer about the user shows it.
    public let isShownNow: Bool
    /// Whether the owner restored its private half.
    public let isRestored: Bool
    /// Another user for whom it is known, too.
    public let otherUserID: String?
    /// Posts and old revisions that it signed in the user's name.
    public internal(set) var posts = 0
    /// Of the owner's own messages, whose signatures verify, how many were encrypted for it: the owner's client took it for
    /// the user's. Nobody can forge that.
    public internal(set) var ownLists = 0

    /// Whether nothing but the server's having shown it once speaks of it: of such keys a server can make as many as it likes.
    public var isIdle: Bool { !isShownNow && !isRestored && posts == 0 && ownLists == 0 }

    /// For how many whole days the server has shown it.
    public var stableDays: Int {
        guard let shownSince, let lastSeen, isShownNow else { return 0 }
        return Int((lastSeen.milliseconds - shownSince.milliseconds) / 86_400_000)
    }

    /// Whether “trust accept” takes it: on the server's word alone, neither a disputed key is taken nor one of the owner's.
    public internal(set) var isAcceptable: Bool
}

/// The questions that are open in an archive.
public struct KeyQuestions: Sendable {
    private let archive: Archive
    private let trusted: TrustedKeys

    private static let batch = 256

    public init(_ archive: Archive, trusted: TrustedKeys) {
        (self.archive, self.trusted) = (archive, trusted)
    }

    /// Those about signers that the server showed, that the owner restored, or that signed posts: in the order of users, and
    /// of when they were seen first. Where there are some, the posts of these users and the owner's are read.
    public func run() async throws -> [KeyQuestion] {
        var questions = open
        guard !questions.isEmpty else { return [] }
        let users = Set(questions.map(\.userID)).union([trusted.record.ownerID])
        let places = Dictionary(
            questions.enumerated().map { (Place(userID: $1.userID, signer: $1.signer), $0) },
            uniquingKeysWith: { first, _ in first })
        let keys = Dictionary(
            // What somebody else is known by, too, may have been in a list for them.
            questions.enumerated().compactMap { place, question in
                question.otherUserID == nil ? question.keyID.map { ($0, place) } : nil
            },
            uniquingKeysWith: { first, _ in first })
        try await look(at: users.sorted(), keys) { look in
            if let place = places[look.place] { questions[place].posts += 1 }
            for place in look.recipients { questions[place].ownLists += 1 }
        }
        return questions.filter { $0.firstSeen != nil || $0.isRestored || $0.posts > 0 }
    }

    /// How many posts and old revisions of a user each of their signers signed; what fits none is left out.
    public func signedPosts(of userID: String) async throws -> [SignerID: Int] {
        var counts: [SignerID: Int] = [:]
        try await look(at: [userID], [:]) { counts[$0.place.signer, default: 0] += 1 }
        return counts
    }

    /// Reads the posts of users.
    ///
    /// - Parameter keys: the questions whose keys are looked for in the owner's recipient lists.
    private func look(
        at users: [String], _ keys: [KeyID: Int], _ see: (Look) throws -> Void
    ) async throws {
        for channel in try archive.channels() {
            let plan = try archive.plan(PostQuery(channelID: channel.id, userIDs: users))
            var batches = PlaceBatches(0..<plan.count, of: KeyQuestions.batch)
            try await OrderedPipeline.run(
                next: { try batches.next().map(plan.load) },
                work: { [trusted] batch in
                    batch.compactMap { Look($0, trusted, ownerID: trusted.record.ownerID, keys) }
                },
                consume: { try $0.forEach(see) })
        }
    }

    /// Without what posts say.
    private var open: [KeyQuestion] {
        let record = trusted.record
        let restored = Set(record.keys.restored.map(\.key.keyID)).union(record.atHand.map(\.id.description))
        var seen: Set<Place> = []
        var sightings: [Place: (first: Timestamp, last: Timestamp)] = [:]
        for (userID, runs) in record.keys.shown {
            for run in runs {
                guard let key = run.key else { continue }
                let place = Place(userID: userID, signer: SignerID(ofPoint: key.signingPoint))
                sightings[place] = (sightings[place]?.first ?? run.first.at, run.last.at)
            }
        }
        let questions = trusted.all.compactMap { owned -> KeyQuestion? in
            guard owned.standing == .succeeding || owned.standing == .disputed,
                seen.insert(Place(userID: owned.userID, signer: owned.signer.id)).inserted
            else { return nil }
            let times = sightings[Place(userID: owned.userID, signer: owned.signer.id)]
            let now = record.keys.shownNow(of: owned.userID)
            let others = trusted.owners(ofSigner: owned.signer.id)
            return KeyQuestion(
                userID: owned.userID, signer: owned.signer.id, keyID: owned.key?.id, standing: owned.standing,
                dispute: owned.dispute,
                firstSeen: times?.first, lastSeen: times?.last,
                shownSince: now?.keyID == owned.key?.id.description
                    ? record.keys.shown[owned.userID]?.last?.first.at : nil,
                isShownNow: now.map { SignerID(ofPoint: $0.signingPoint) == owned.signer.id } ?? false,
                isRestored: owned.userID == record.ownerID && restored.contains(owned.subject),
                otherUserID: others.first { $0.userID != owned.userID && $0.standing != .rejected }?.userID,
                isAcceptable: trusted.accepts(owned))
        }
        return questions.sorted { left, right in
            (left.userID, left.firstSeen ?? .distantFuture, left.signer)
                < (right.userID, right.firstSeen ?? .distantFuture, right.signer)
        }
    }

    private struct Place: Hashable {
        let userID: String
        let signer: SignerID
    }

    /// What one version says for the questions.
    private struct Look: Sendable {
        let place: Place
        /// The questions whose keys an own message was encrypted for.
        let recipients: [Int]

        init?(_ version: StoredVersion, _ trusted: TrustedKeys, ownerID: String, _ keys: [KeyID: Int]) {
            guard let root = try? JSONDocument(version.json).root,
                case .message(let message) = EncryptedPost(root, type: version.header.type)
            else { return nil }
            let userID = version.header.userID
            let judgement = trusted.judgement(of: message, by: userID)
            guard let signer = judgement.signer else { return nil }
            place = Place(userID: userID, signer: signer)
            let isOwn = userID == ownerID && judgement.authenticity.isVerified
            recipients = isOwn ? Set(message.recipients.map(\.keyID)).compactMap { keys[$0] } : []
        }
    }
}

extension TrustedKeys {
    /// Whether the owner may take a signer on the server's word: not one of their own, and not where they compared another
    /// one, which only another comparison can follow.
    public func accepts(_ owned: Owned) -> Bool {
        guard owned.userID != record.ownerID else { return false }
        switch owned.standing {
        case .succeeding, .adopted, .listed: return !hasConfirmed(owned.userID)
        case .confirmed, .own, .accepted, .pinned, .disputed, .rejected: return false
        }
    }

    /// Whether the owner compared a key with a user.
    public func hasConfirmed(_ userID: String) -> Bool { self.owned(by: userID).contains { $0.standing == .confirmed } }
}
