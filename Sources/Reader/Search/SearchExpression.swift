internal import Archive
internal import Bytes
internal import E2EE

/// The words by which filters find a version of a post. They stand in a column of their own, so that a text cannot
/// forge them, and a filter costs no more than one more word.
///
/// Whether a key is the one that the server shows now, and whether it is rejected, is not among them: that changes, and
/// what was indexed does not. So whom a signature fits stands there, and not what follows from it.
enum SearchFacts {
    static let everything = "all"
    static let file = "file"
    static let edited = "edited"
    static let deleted = "deleted"
    /// Stands nowhere.
    static let nothing = "nothing"

    static func author(_ userID: String) -> String { "u\(word(userID))" }
    static func channel(_ channelID: String) -> String { "c\(word(channelID))" }
    static func signer(_ userID: String, _ signer: SignerID) -> String { "k\(word(userID))\(signer)" }
    static func authenticity(_ authenticity: Authenticity) -> String { "a\(authenticity.rawValue)" }
    static func content(_ content: Content) -> String { "d\(content.rawValue)" }
    /// What was suspicious when the version was indexed, and does not depend on how its signer stands.
    static func suspicion(_ suspicion: Suspicion) -> String { "s\(suspicion.rawValue)" }

    static func all(of post: ReadPost) -> String {
        let header = post.header
        var facts = [everything, author(header.userID), channel(header.channelID), content(post.verdict.content)]
        if let authenticity = post.verdict.authenticity {
            facts.append(post.signer.map { signer(header.userID, $0) } ?? SearchFacts.authenticity(authenticity))
        }
        facts += post.verdict.suspicions.filter { !$0.dependsOnStanding }.map(suspicion)
        if !post.files.isEmpty { facts.append(file) }
        if post.isEdited { facts.append(edited) }
        if header.deleteAt > 0, header.originalID.isEmpty { facts.append(deleted) }
        return facts.joined(separator: " ")
    }

    /// An id of the server's as one word of the tokenizer; a hash of it, where it is not made of letters and digits.
    private static func word(_ id: String) -> String {
        let isWord =
            !id.isEmpty && id.utf8.count <= 64
            && id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x7A).contains($0) }
        return isWord ? id : SHA256Digest(of: Array(id.utf8)).description
    }
}

/// Who and what a query's names mean.
struct SearchNames {
    let ownID: String
    let users: [User]
    let channels: [Channel]
    let channelNames: ChannelNames
    let trusted: TrustedKeys
}

/// A query as SQLite's FTS5 takes it. Nothing of it comes from the user as it is: each term is a quoted string.
struct SearchExpression: Equatable, Sendable {
    let match: String
    let createAt: Range<Int64>
    let notCreateAt: [Range<Int64>]

    /// - Throws: where a name in the query is nobody's, or no channel's.
    init(_ query: SearchQuery, _ names: SearchNames) throws(SearchQueryError) {
        createAt = query.createAt
        notCreateAt = query.notCreateAt
        var wanted = query.required.map(SearchExpression.condition)
        var unwanted = query.excluded.map(SearchExpression.condition)
        if !query.from.isEmpty { wanted.append(try SearchExpression.authors(query.from, "from:", names)) }
        if !query.notFrom.isEmpty { unwanted.append(try SearchExpression.authors(query.notFrom, "-from:", names)) }
        if !query.channels.isEmpty { wanted.append(try SearchExpression.places(query.channels, "in:", names)) }
        if !query.notChannels.isEmpty {
            unwanted.append(try SearchExpression.places(query.notChannels, "-in:", names))
        }
        let flags = [
            (query.hasFile, SearchFacts.file), (query.isEdited, SearchFacts.edited),
            (query.isDeleted, SearchFacts.deleted),
        ]
        for case (let isSet?, let fact) in flags {
            if isSet { wanted.append("facts:\(fact)") } else { unwanted.append("facts:\(fact)") }
        }
        if !query.verdicts.isEmpty { wanted.append(SearchExpression.any(query.verdicts, names.trusted)) }
        // What is suspicious changes with what is known of signers. So it is looked for among all that may be, and left out
        // in the end, by `SearchQuery.admits`.
        let exact = query.notVerdicts.filter(\.isTold)
        if !exact.isEmpty { unwanted.append(SearchExpression.any(exact, names.trusted)) }
        if query.notVerdicts.contains(.clean) { wanted.append(SearchExpression.any([.unclean], names.trusted)) }
        if query.notVerdicts.contains(.unclean) { wanted.append(SearchExpression.any([.clean], names.trusted)) }
        if wanted.isEmpty { wanted = ["facts:\(SearchFacts.everything)"] }
        let positive = "(\(wanted.joined(separator: " AND ")))"
        match = unwanted.isEmpty ? positive : "\(positive) NOT (\(unwanted.joined(separator: " OR ")))"
    }

    private static func condition(_ term: SearchQuery.Term) -> String {
        switch term {
        case .word(let text), .phrase(let text):
            let (words, isPrefix) = SearchText.ofTerm(text)
            return "{text files}:\(quoted(words))\(isPrefix ? "*" : "")"
        case .prefix(let text):
            return "{text files}:\(quoted(SearchText.ofTerm(text).text))*"
        case .tag(let tag):
            return "tags:\(quoted(Hashtag.token(tag) ?? tag))"
        }
    }

    private static func quoted(_ text: String) -> String { "\"\(text.replacing("\"", with: "\"\""))\"" }

    private static func any(_ facts: [String]) -> String {
        "(\((facts.isEmpty ? [SearchFacts.nothing] : facts).map { "facts:\($0)" }.joined(separator: " OR ")))"
    }

    private static func authors(
        _ wanted: [String], _ filter: String, _ names: SearchNames
    ) throws(SearchQueryError) -> String {
        var facts: [String] = []
        for name in wanted {
            if name.lowercased() == "me" {
                facts.append(SearchFacts.author(names.ownID))
                continue
            }
            let found = names.users.filter {
                $0.id == name || $0.username == name.lowercased() || $0.displayName.lowercased() == name.lowercased()
            }
            guard !found.isEmpty else {
                throw .nobody(
                    name, "\(filter)\(name)", similar: names.users.map(\.username).similar(to: name))
            }
            facts += found.map { SearchFacts.author($0.id) }
        }
        return any(facts)
    }

    private static func places(
        _ wanted: [String], _ filter: String, _ names: SearchNames
    ) throws(SearchQueryError) -> String {
        var facts: [String] = []
        for name in wanted {
            let found = names.channels.filter {
                names.channelNames.matches($0, name)
                    || names.channelNames.label($0).lowercased() == name.lowercased()
            }
            guard !found.isEmpty else {
                throw .noChannel(
                    name, "\(filter)\(name)",
                    similar: names.channels.map(names.channelNames.label).similar(to: name))
            }
            facts += found.map { SearchFacts.channel($0.id) }
        }
        return any(facts)
    }

    private static func any(_ words: [VerdictWord], _ trusted: TrustedKeys) -> String {
        "(\(words.map { condition($0, trusted) }.joined(separator: " OR ")))"
    }

    private static func condition(_ word: VerdictWord, _ trusted: TrustedKeys) -> String {
        func signers(_ isWanted: (Authenticity) -> Bool) -> [String] {
            trusted.verdicts.filter { isWanted($0.authenticity) }.map { SearchFacts.signer($0.userID, $0.signer) }
        }
        let clean =
            "(facts:\(SearchFacts.content(.plain)) OR (\(any(signers(\.isVerified))) AND facts:"
            + "\(SearchFacts.content(.decrypted))))"
        switch word {
        case .content(let content): return "facts:\(SearchFacts.content(content))"
        case .authenticity(let wanted):
            return any(signers { $0 == wanted } + [SearchFacts.authenticity(wanted)])
        case .suspicion(let suspicion):
            guard suspicion.dependsOnStanding else { return "facts:\(SearchFacts.suspicion(suspicion))" }
            return any(trusted.suspects.map { SearchFacts.signer($0.userID, $0.signer) })
        case .clean: return clean
        case .unclean:
            let suspicious = Suspicion.allCases.map { condition(.suspicion($0), trusted) }.joined(separator: " OR ")
            return "((facts:\(SearchFacts.everything) NOT \(clean)) OR \(suspicious))"
        }
    }
}

extension Suspicion {
    /// Whether it depends on how signers stand, which changes, and not on posts alone.
    var dependsOnStanding: Bool { self == .datedBack || self == .afterSuccession }
}

extension VerdictWord {
    /// Whether the index tells exactly which posts it describes.
    fileprivate var isTold: Bool {
        switch self {
        case .authenticity, .content: true
        case .suspicion, .clean, .unclean: false
        }
    }
}

extension SearchQuery {
    /// Whether the query asks for posts with this verdict.
    func admits(_ verdict: Verdict) -> Bool {
        (verdicts.isEmpty || verdicts.contains { $0.describes(verdict) })
            && !notVerdicts.contains { $0.describes(verdict) }
    }
}

extension [String] {
    /// A few names that hold what was typed, begin as it does, or are a slip of the keyboard away.
    public func similar(to name: String) -> [String] {
        let wanted = name.lowercased()
        func isSimilar(_ known: String) -> Bool {
            known.contains(wanted) || known.hasPrefix(wanted.prefix(3)) || SearchFilter.isNear(known, wanted)
        }
        return Array(Set(filter { isSimilar($0.lowercased()) }).sorted().prefix(3))
    }
}
