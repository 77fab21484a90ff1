/// A word that `verdict:` takes: a verdict's authenticity, its content, a suspicion, or whether somebody should look at it.
public enum VerdictWord: Hashable, Sendable, CaseIterable {
    case authenticity(Authenticity)
    case content(Content)
    case suspicion(Suspicion)
    case clean
    case unclean

    /// Every word, in the order in which to list them.
    public static let allCases: [VerdictWord] =
        Authenticity.allCases.map(VerdictWord.authenticity) + Content.allCases.map(VerdictWord.content)
        + Suspicion.allCases.map(VerdictWord.suspicion) + [.clean, .unclean]

    private static let known = Dictionary(uniqueKeysWithValues: allCases.map { ($0.word.lowercased(), $0) })

    /// The word itself, as the formats that scripts read spell it.
    public var word: String {
        switch self {
        case .authenticity(let authenticity): authenticity.rawValue
        case .content(let content): content.rawValue
        case .suspicion(let suspicion): suspicion.rawValue
        case .clean: "clean"
        case .unclean: "unclean"
        }
    }

    func describes(_ verdict: Verdict) -> Bool {
        switch self {
        case .authenticity(let authenticity): verdict.authenticity == authenticity
        case .content(let content): verdict.content == content
        case .suspicion(let suspicion): verdict.suspicions.contains(suspicion)
        case .clean: verdict.isClean
        case .unclean: !verdict.isClean
        }
    }

    /// Reads a word, in capitals or not.
    public init?(_ word: String) {
        guard let known = VerdictWord.known[word.lowercased()] else { return nil }
        self = known
    }
}
