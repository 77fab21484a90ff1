internal import Archive
internal import Glibc

/// What gpg says of a detached signature.
extension Gpg {
    public enum SignatureState: Equatable, Sendable {
        /// - Parameters:
        ///   - userID: what the key calls itself, which proves nothing.
        ///   - fingerprint: of the key that made it, or of the one that it belongs to.
        ///   - isTrusted: whether gpg holds the key to be that person's: fully, or ultimately.
        case good(userID: String, fingerprint: String, isTrusted: Bool)
        /// Good, by a key that has expired or was revoked.
        case outdated(userID: String, why: String)
        /// The text is not what was signed.
        case bad(userID: String)
        /// By a key that this gpg does not know.
        case unknownKey(keyID: String)
        /// There is no signature in it.
        case unreadable
        /// gpg could not judge it, which is nobody's fault but its own: its home, an algorithm.
        ///
        /// - Parameter why: gpg's last words.
        case notJudged(why: String)
        case noGpg

        /// Whether gpg says that it is good, and whose.
        public var isJudged: Bool { if case .good(_, _, isTrusted: true) = self { true } else { false } }
    }

    /// - Parameter key: the public key that came with the signature: where the user's gpg does not know the signer, it tells
    ///   whether that key made it, and nothing of whose it is.
    func verify(signature: [UInt8], of text: [UInt8], key: [UInt8]? = nil) async -> SignatureState {
        // gpg takes one of the two from a pipe. The signature is no secret.
        var template = Array("\(Gpg.temporaryFolder)/mmvault.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            return .notJudged(why: "no temporary folder can be made in \(Gpg.temporaryFolder)")
        }
        let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let path = "\(folder)/\(EvidenceWriter.signatureName)"
        defer { PrivateFile.removeDirectory(folder) }
        do {
            try PrivateFile.replace(path, with: signature)
            // Where gpg has no home it would make one, only to find no key in it.
            let state = try await verify(path, of: text, options: Gpg.hasHome ? [] : ["--no-options"])
            guard case .unknownKey = state, let key else { return state }
            let home = ["--no-options", "--no-autostart", "--homedir", folder]
            guard try await ask(home + ["--import"], about: key).isSuccess,
                case .good(let userID, let fingerprint, _) = try await verify(path, of: text, options: home)
            else { return state }
            return .good(userID: userID, fingerprint: fingerprint, isTrusted: false)
        } catch ReaderError.gpgMissing {
            return .noGpg
        } catch {
            return .notJudged(why: "\(error)")
        }
    }

    private func verify(_ path: String, of text: [UInt8], options: [String]) async throws -> SignatureState {
        let answer = try await ask(
            options + ["--no-auto-key-retrieve", "--status-fd", "1", "--verify", path, "-"], about: text)
        return Gpg.state(answer.output, errors: answer.errors)
    }

    private static var hasHome: Bool {
        if getenv("GNUPGHOME") != nil { return true }
        return getenv("HOME").map { PrivateFile.exists("\(String(cString: $0))/.gnupg") } ?? true
    }

    private static var temporaryFolder: String { getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp" }

    /// doc/DETAILS of GnuPG, “Format of the --status-fd output”.
    static func state(_ output: String, errors: String = "") -> SignatureState {
        var goods: [(userID: String, fingerprint: String, isTrusted: Bool)] = []
        var others: [SignatureState] = []
        var isNone = false
        for line in statusLines(in: output) {
            let words = line.rest.utf8.split(separator: UInt8(ascii: " "), maxSplits: 1).map { String(Substring($0)) }
            let subject = words.first ?? ""
            let rest = words.count > 1 ? words[1] : ""
            switch line.keyword {
            case "GOODSIG": goods.append((rest, "", false))
            case "VALIDSIG" where !goods.isEmpty: goods[goods.count - 1].fingerprint = primary(rest) ?? subject
            case "TRUST_FULLY" where !goods.isEmpty, "TRUST_ULTIMATE" where !goods.isEmpty:
                goods[goods.count - 1].isTrusted = true
            case "BADSIG": others.append(.bad(userID: rest))
            case "EXPSIG": others.append(.outdated(userID: rest, why: "the signature has expired"))
            case "EXPKEYSIG": others.append(.outdated(userID: rest, why: "the key has expired"))
            case "REVKEYSIG": others.append(.outdated(userID: rest, why: "the key was revoked"))
            case "NO_PUBKEY": others.append(.unknownKey(keyID: subject))
            // 9 is a key that is missing, and is said again.
            case "ERRSIG" where rest.split(separator: " ").dropFirst(4).first != "9":
                others.append(.notJudged(why: lastWords(errors)))
            case "NODATA": isNone = true
            default: continue
            }
        }
        // Of several the worst counts: one that is bad must not hide behind a good one.
        if let bad = others.first(where: { if case .bad = $0 { true } else { false } }) { return bad }
        if let other = others.first { return other }
        if let good = goods.first(where: { !$0.isTrusted }) ?? goods.first,
            goods.allSatisfy({ !$0.fingerprint.isEmpty })
        {
            return .good(userID: good.userID, fingerprint: good.fingerprint, isTrusted: good.isTrusted)
        }
        return isNone ? .unreadable : .notJudged(why: lastWords(errors))
    }

    /// The last word of VALIDSIG, the fingerprint that people compare: that of the key which a signing key belongs to.
    private static func primary(_ rest: String) -> String? {
        rest.split(separator: " ").last.flatMap { word in
            word.utf8.count >= 40 && word.allSatisfy(\.isHexDigit) ? String(word) : nil
        }
    }
}
