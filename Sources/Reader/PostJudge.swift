internal import Archive
internal import Bytes
public import E2EE

/// Judges posts, one at a time: whose signature it is, and what it says.
struct PostJudge: Sendable {
    private let trusted: TrustedKeys
    /// Whether private keys are at hand.
    private let hasKeys: Bool
    private let emoji: [String: CustomEmoji]
    private let open: @Sendable (EncryptedMessage) -> Opening
    /// What somebody who has the archive says is suspicious about a version; nil where it is told from the archive at hand.
    private let stated: @Sendable (StoredVersion) -> [Suspicion]?

    /// What came of opening a message.
    struct Opening: Sendable {
        let outcome: OpenedMessage
        /// The key-encryption key, where it is to be disclosed.
        var key: [UInt8]?
    }

    init(
        _ keyring: Keyring, _ trusted: TrustedKeys, _ emoji: [String: CustomEmoji], disclosesKeys: Bool
    ) {
        self.init(
            trusted, emoji, hasKeys: !keyring.isEmpty, stated: { _ in nil },
            open: { message in
                guard disclosesKeys else { return Opening(outcome: message.open(with: keyring)) }
                let (outcome, key) = message.disclose(with: keyring)
                return Opening(outcome: outcome, key: key)
            })
    }

    /// - Parameters:
    ///   - stated: what is suspicious about a version, where somebody else says so.
    ///   - open: what came of opening a message, where somebody else did it.
    init(
        _ trusted: TrustedKeys, _ emoji: [String: CustomEmoji], hasKeys: Bool,
        stated: @escaping @Sendable (StoredVersion) -> [Suspicion]?,
        open: @escaping @Sendable (EncryptedMessage) -> Opening
    ) {
        (self.trusted, self.emoji, self.hasKeys, self.stated, self.open) = (trusted, emoji, hasKeys, stated, open)
    }

    /// Reads one version.
    ///
    /// - Throws: `damagedDocument` where the index says something else of it than its own bytes.
    func read(_ version: StoredVersion) throws(ArchiveError) -> ReadPost {
        let root: JSONValue
        do { root = try JSONDocument(version.json).root } catch {
            try version.requireTold(by: nil)
            return post(version, nil, Verdict(authenticity: .unchecked, content: .malformed), reason: error.description)
        }
        try version.requireTold(by: root)
        let files = AttachedFile.all(in: root)
        guard let encrypted = EncryptedPost(root, type: version.header.type) else {
            let plain = Verdict(authenticity: nil, content: .plain)
            switch PlainText(root, type: version.header.type) {
            case .words(let words): return post(version, root, plain, text: .plain(words), files: files)
            case .event(let words):
                var event = post(version, root, plain, text: .plain(words), files: files)
                event.isToldByType = true
                return event
            case .unknown(let why): return post(version, root, plain, text: .unknown, files: files, reason: why)
            }
        }
        switch encrypted {
        case .message(let message): return read(version, root, message, files)
        case .missingPayload:
            return closed(version, root, .missingPayload, files, "an encrypted post without a payload")
        case .unsupportedVersion(let number):
            return closed(
                version, root, .unsupportedVersion, files, "version \(number) of the protocol, and only 1 is known")
        case .malformed(let reason): return closed(version, root, .malformed, files, reason.description)
        }
    }

    /// A post of the encrypted type with nothing encrypted in it that could be read. A text in the clear that stands there
    /// nevertheless is shown, as nobody's.
    private func closed(
        _ version: StoredVersion, _ root: JSONValue, _ content: Content, _ files: [AttachedFile], _ why: String
    ) -> ReadPost {
        let verdict = Verdict(authenticity: .unchecked, content: content)
        guard let clear = EncryptedPost.clearText(root) else {
            return post(version, root, verdict, files: files, reason: why)
        }
        return post(
            version, root, verdict, text: .unverified(UnverifiedText(Array(clear.utf8))), files: files,
            reason: "\(why); a text stands there in the clear, not encrypted and not signed")
    }

    private func read(
        _ version: StoredVersion, _ root: JSONValue, _ message: EncryptedMessage, _ files: [AttachedFile]
    ) -> ReadPost {
        let judgement = trusted.judgement(of: message, by: version.header.userID)
        let authenticity = judgement.authenticity
        let clear = EncryptedPost.clearText(root)
        let suspicions = suspicions(version, judgement) + (clear == nil ? [] : [.editedInTheClear])
        var reasons = [reason(judgement, version.header.userID)].compactMap(\.self) + suspicions.map(\.reason)
        let content: Content
        var text = PostText.unreadable
        var opener: KeyID?
        let opening = open(message)
        switch opening.outcome {
        case .decrypted(let bytes, let keyID):
            content = .decrypted
            opener = keyID
            text =
                switch authenticity {
                case .verified, .verifiedByEarlierKey: .verified(VerifiedText(bytes))
                case .newKeyUnanswered: .unanswered(UnansweredText(bytes))
                case .keyDisputed, .unknownSender, .signatureInvalid, .unchecked: .unverified(UnverifiedText(bytes))
                }
        case .notForUs:
            content = .notForUs
            let count = message.recipients.count
            reasons.append(
                count == 0
                    ? "encrypted for nobody"
                    : !hasKeys
                        ? "no private key is at hand"
                        : "encrypted for \(count == 1 ? "one key that is" : "\(count) keys that are") not at hand")
        case .keyUnwrapFailed(let keyID):
            content = .keyUnwrapFailed
            opener = keyID
            reasons.append("the message key wrapped for our key \(keyID.short) is damaged")
        }
        return post(
            version, root, Verdict(authenticity: authenticity, content: content, suspicions: suspicions), text: text,
            clearText: clear.map { UnverifiedText(Array($0.utf8)) }, files: files, signedBy: judgement.key,
            signer: judgement.signer, openedBy: opener, keyEncryptionKey: opening.key,
            reason: reasons.joined(separator: "; "))
    }

    /// Why a signature does not simply verify; nil where it does.
    private func reason(_ judgement: TrustedKeys.Judgement, _ userID: String) -> String? {
        let title = judgement.title ?? ""
        switch judgement.authenticity {
        case .signatureInvalid:
            if judgement.standing == .rejected { return "signed by the \(title), which you rejected" }
            let count = trusted.count(of: userID)
            return count == 1
                ? "not signed by the author's known key" : "not signed by any of the author's \(count) known keys"
        case .newKeyUnanswered:
            return "signed by the \(title), and nobody has said yet that it is the author's"
        case .keyDisputed: return "signed by the \(title), which was \(judgement.dispute?.words ?? "disputed")"
        case .unknownSender: return "no key of the author is known"
        case .verified, .verifiedByEarlierKey, .unchecked: return nil
        }
    }

    /// What is suspicious about a version, whoever signed it.
    private func suspicions(_ version: StoredVersion, _ judgement: TrustedKeys.Judgement) -> [Suspicion] {
        if let stated = stated(version) { return stated }
        return version.past.map { trusted.suspicions(of: $0, judgement, by: version.header.userID) } ?? []
    }

    private func post(
        _ version: StoredVersion, _ root: JSONValue?, _ verdict: Verdict, text: PostText = .unreadable,
        clearText: UnverifiedText? = nil, files: [AttachedFile] = [],
        signedBy: KeyID? = nil, signer: SignerID? = nil, openedBy: KeyID? = nil, keyEncryptionKey: [UInt8]? = nil,
        reason: String = ""
    ) -> ReadPost {
        var (verdict, reason) = (verdict, reason)
        if !version.header.hasPlausibleTimes {
            let suspicion = Suspicion.implausibleTime
            verdict = Verdict(
                authenticity: verdict.authenticity, content: verdict.content,
                suspicions: verdict.suspicions + [suspicion])
            reason = [reason, suspicion.reason].filter { !$0.isEmpty }.joined(separator: "; ")
        }
        return ReadPost(
            header: version.header, state: version.state, verdict: verdict, signedBy: signedBy, openedBy: openedBy,
            text: text, clearText: clearText, files: files, reason: reason,
            circumstances: root.map { Circumstances($0, emoji) } ?? Circumstances(),
            importName: version.importName, absence: version.absence, signer: signer, keyEncryptionKey: keyEncryptionKey
        )
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

extension EncryptedPost {
    /// A post's payload decides that it is encrypted, and not its type: a plain post that is edited through the plugin, once
    /// the channel is encrypted, keeps its type (protocol, “Beside the payload”).
    ///
    /// - Returns: nil for a plain post.
    init?(_ post: JSONValue, type: String) {
        self.init(post)
        guard type != EncryptedPost.type else { return }
        guard case .message = self else { return nil }
    }

    /// What stands where the placeholder of an encrypted post should: web clients may write a text in the clear there
    /// (mattermost-api, “Posts of a channel”). nil where it is the placeholder, which has a random number behind it after
    /// an edit, or nothing.
    static func clearText(_ post: JSONValue) -> String? {
        guard let message = post["message"]?.string, !message.isEmpty, !isPlaceholder(message) else { return nil }
        return message
    }

    /// Without a regular expression: every post comes by here, and one that is parsed anew each time costs as much as a
    /// signature.
    private static func isPlaceholder(_ message: String) -> Bool {
        let fixed = "Encrypted message"
        guard message.utf8.starts(with: fixed.utf8) else { return false }
        let number = message.utf8.dropFirst(fixed.utf8.count)
        guard let space = number.first else { return true }
        guard space == UInt8(ascii: " "), let digit = number.dropFirst().first else { return false }
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        return digits.contains(digit)
            && number.dropFirst().allSatisfy { digits.contains($0) || ".e-".utf8.contains($0) }
    }
}

extension Circumstances {
    fileprivate init(_ post: JSONValue, _ custom: [String: CustomEmoji]) {
        isPinned = post["is_pinned"]?.bool ?? false
        if post["props"]?["from_webhook"]?.string == "true" || post["props"]?["from_bot"]?.string == "true" {
            postedAs = post["props"]?["override_username"]?.string
        }
        var places: [String: Int] = [:]
        for reaction in post["metadata"]?["reactions"]?.elements ?? [] {
            guard let emoji = reaction["emoji_name"]?.string, let userID = reaction["user_id"]?.string else { continue }
            if let place = places[emoji] {
                reactions[place].userIDs.append(userID)
            } else {
                places[emoji] = reactions.count
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
