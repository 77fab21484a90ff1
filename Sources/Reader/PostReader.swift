public import Archive
internal import Bytes
public import E2EE

/// Reads archived posts: verifies, decrypts and judges them on all cores, in the order of the query.
public struct PostReader: Sendable {
    private let archive: Archive
    private let keyring: Keyring
    private let trusted: TrustedKeys
    private let emoji: [String: CustomEmoji]

    /// Posts a task works on at a time.
    private static let batch = 256

    public init(_ archive: Archive, keyring: Keyring, trusted: TrustedKeys) {
        self.archive = archive
        self.keyring = keyring
        self.trusted = trusted
        // Whoever cannot read them reads no post either.
        emoji = (try? archive.customEmoji()) ?? [:]
    }

    /// Hands each selected version to `consume`, one at a time, in order.
    ///
    /// - Throws: `ArchiveError` where the archive itself cannot be read, and what `consume` throws. What is wrong with
    ///   one post is in its verdict.
    public func read(_ query: PostQuery, consume: (ReadPost) throws -> Void) async throws {
        let plan = try archive.plan(query)
        var start = 0
        try await OrderedPipeline.run(
            next: { () throws -> [StoredVersion]? in
                guard start < plan.count else { return nil }
                let end = min(start + PostReader.batch, plan.count)
                defer { start = end }
                return try plan.load(start..<end)
            },
            work: { batch in batch.map(judge) },
            consume: { posts in for post in posts { try consume(post) } })
    }

    /// Reads one version.
    func judge(_ version: StoredVersion) -> ReadPost {
        let root: JSONValue
        do { root = try JSONDocument(Array(version.json)).root } catch {
            // The archive took it as JSON once; `check` will say what happened to it.
            return post(version, nil, Verdict(authenticity: .unchecked, content: .malformed), reason: error.description)
        }
        let files = AttachedFile.all(in: root)
        guard version.header.type == EncryptedPost.type else {
            return post(
                version, root, Verdict(authenticity: nil, content: .plain), text: .plain(root["message"]?.string ?? ""),
                files: files)
        }
        switch EncryptedPost(root) {
        case .missingPayload:
            return post(
                version, root, Verdict(authenticity: .unchecked, content: .missingPayload), files: files,
                reason: "an encrypted post without a payload")
        case .unsupportedVersion(let number):
            return post(
                version, root, Verdict(authenticity: .unchecked, content: .unsupportedVersion), files: files,
                reason: "version \(number) of the protocol, and only 1 is known")
        case .malformed(let reason):
            return post(
                version, root, Verdict(authenticity: .unchecked, content: .malformed), files: files,
                reason: reason.description)
        case .message(let message):
            return judge(version, root, message, files)
        }
    }

    private func judge(
        _ version: StoredVersion, _ root: JSONValue, _ message: EncryptedMessage, _ files: [AttachedFile]
    ) -> ReadPost {
        let judgement = trusted.authenticity(of: message, by: version.header.userID)
        let authenticity = judgement.authenticity
        var reasons: [String] = []
        switch authenticity {
        case .signatureInvalid:
            let count = trusted.count(of: version.header.userID)
            if let rejected = judgement.rejected {
                reasons.append("signed by the key \(rejected.prefix(KeyID.shortLength)), which you rejected")
            } else {
                reasons.append(
                    count == 1
                        ? "not signed by the author's known key"
                        : "not signed by any of the author's \(count) known keys")
            }
        case .unknownSender: reasons.append("no key of the author is known")
        default: break
        }
        let content: Content
        var text = PostText.unreadable
        var opener: KeyID?
        switch message.open(with: keyring) {
        case .decrypted(let bytes, let keyID):
            content = .decrypted
            opener = keyID
            text = authenticity.isVerified ? .verified(VerifiedText(bytes)) : .unverified(UnverifiedText(bytes))
        case .notForUs:
            content = .notForUs
            let count = message.recipients.count
            reasons.append(
                count == 0
                    ? "encrypted for nobody"
                    : keyring.isEmpty
                        ? "no private key is at hand"
                        : "encrypted for \(count == 1 ? "one key that is" : "\(count) keys that are") not at hand")
        case .keyUnwrapFailed(let keyID):
            content = .keyUnwrapFailed
            opener = keyID
            reasons.append("the message key wrapped for our key \(keyID.short) is damaged")
        }
        return post(
            version, root, Verdict(authenticity: authenticity, content: content), text: text, files: files,
            signedBy: judgement.key, signer: judgement.signer, openedBy: opener, reason: reasons.joined(separator: "; ")
        )
    }

    private func post(
        _ version: StoredVersion, _ root: JSONValue?, _ verdict: Verdict, text: PostText = .unreadable,
        files: [AttachedFile] = [],
        signedBy: KeyID? = nil, signer: SignerID? = nil, openedBy: KeyID? = nil, reason: String = ""
    ) -> ReadPost {
        ReadPost(
            header: version.header, state: version.state, verdict: verdict, signedBy: signedBy, openedBy: openedBy,
            text: text, files: files, reason: reason,
            circumstances: root.map { Circumstances($0, emoji) } ?? Circumstances(),
            importName: version.importName, absence: version.absence, signer: signer)
    }
}

/// What stands where an encrypted post has its payload (protocol, "A message").
enum EncryptedPost {
    static let type = "custom_e2ee"

    case message(EncryptedMessage)
    case missingPayload
    case malformed(MessageError.Reason)
    case unsupportedVersion(Int64)

    init(_ post: JSONValue) {
        guard let payload = post["props"]?["e2ee"] else {
            self = .missingPayload
            return
        }
        do throws(MessageError) {
            self = .message(try EncryptedMessage(payload))
        } catch {
            switch error {
            case .malformed(let reason): self = .malformed(reason)
            case .unsupportedVersion(let number): self = .unsupportedVersion(number)
            }
        }
    }
}

extension Circumstances {
    fileprivate init(_ post: JSONValue, _ custom: [String: CustomEmoji]) {
        isPinned = post["is_pinned"]?.bool ?? false
        if post["props"]?["from_webhook"]?.string == "true" || post["props"]?["from_bot"]?.string == "true" {
            postedAs = post["props"]?["override_username"]?.string
        }
        for reaction in post["metadata"]?["reactions"]?.elements ?? [] {
            guard let emoji = reaction["emoji_name"]?.string, let userID = reaction["user_id"]?.string else { continue }
            if let place = reactions.firstIndex(where: { $0.emoji == emoji }) {
                reactions[place] = Reaction(
                    emoji: emoji, userIDs: reactions[place].userIDs + [userID], custom: custom[emoji])
            } else {
                reactions.append(Reaction(emoji: emoji, userIDs: [userID], custom: custom[emoji]))
            }
        }
    }
}

extension KeyID {
    /// The first 16 of its 64 digits, for people.
    public var short: String { String(description.prefix(KeyID.shortLength)) }
    static let shortLength = 16
}

extension SignerID {
    /// The first 16 of its 64 digits, for people.
    public var short: String { String(description.prefix(KeyID.shortLength)) }
}
