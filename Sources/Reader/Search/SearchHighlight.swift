internal import Foundation

/// Where the words of a query stand in a text, for people to see. What is found decides the index; this only points at it.
public struct SearchHighlight: Sendable {
    /// The words of each term, and whether the last one is only how a word begins.
    private let terms: [(words: [String], isPrefix: Bool)]

    public init(_ query: SearchQuery) {
        terms = query.required.compactMap { term in
            let (text, isPrefix) =
                switch term {
                case .word(let text), .phrase(let text), .tag(let text): (text, false)
                case .prefix(let text): (text, true)
                }
            let words = SearchHighlight.words(of: text)
            guard let last = words.last else { return nil }
            // What is written without spaces may go on.
            return (words.map(\.folded), isPrefix || last.isInRun)
        }
    }

    /// Ranges of `line` that the query asked for, in order, none within another.
    public func ranges(in line: String) -> [Range<String.Index>] {
        let words = SearchHighlight.words(of: line)
        var ranges: [Range<String.Index>] = []
        for (wanted, isPrefix) in terms where wanted.count <= words.count {
            for start in 0...(words.count - wanted.count) {
                let isThere = wanted.indices.allSatisfy { place in
                    let word = words[start + place].folded
                    return word == wanted[place]
                        || isPrefix && place == wanted.count - 1 && word.hasPrefix(wanted[place])
                }
                if isThere {
                    ranges.append(words[start].range.lowerBound..<words[start + wanted.count - 1].range.upperBound)
                }
            }
        }
        var merged: [Range<String.Index>] = []
        for range in ranges.sorted(by: { ($0.lowerBound, $0.upperBound) < ($1.lowerBound, $1.upperBound) }) {
            if let last = merged.last, range.lowerBound < last.upperBound {
                merged[merged.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
            } else {
                merged.append(range)
            }
        }
        return merged
    }

    /// The words of a text as the index has them, near enough; what is written in runs, one character at a time.
    private static func words(of text: String) -> [(folded: String, range: Range<String.Index>, isInRun: Bool)] {
        var result: [(String, Range<String.Index>, Bool)] = []
        var start: String.Index?
        func end(_ place: String.Index) {
            if let first = start { result.append((folded(text[first..<place]), first..<place, false)) }
            start = nil
        }
        var place = text.startIndex
        while place < text.endIndex {
            let character = text[place]
            let next = text.index(after: place)
            let isInRun = character.unicodeScalars.first.map(SearchText.isWrittenInRuns) ?? false
            if isInRun || !character.isASCII && character.isSymbol {
                end(place)
                result.append((String(character), place..<next, isInRun))
            } else if character.isLetter || character.isNumber {
                start = start ?? place
            } else {
                end(place)
            }
            place = next
        }
        end(place)
        return result
    }

    private static func folded(_ word: Substring) -> String {
        guard word.utf8.contains(where: { $0 >= 0x80 }) else { return word.lowercased() }
        return word.precomposedStringWithCompatibilityMapping
            .folding(options: [.caseInsensitive, .diacriticInsensitive], locale: nil)
    }
}
