internal import Archive

/// Reads a query from left to right, one part at a time.
struct SearchQueryParser {
    private var scanner: SearchQueryScanner
    private let today: Timestamp
    private var query = SearchQuery()
    private var time = SearchTime()
    private var firstExclusion: String?
    private var firstPunctuation: String?
    /// Whether a filter says what to find.
    private var hasFilter = false

    init(_ text: String, today: Timestamp) {
        scanner = SearchQueryScanner(text)
        self.today = today
    }

    mutating func parse() throws(SearchQueryError) -> SearchQuery {
        while scanner.skipSpaces() { try readPart() }
        if query.required.isEmpty {
            // Beside a word, punctuation narrows nothing. Alone it was meant, and would be lost without notice.
            if let firstPunctuation { throw .noWord(firstPunctuation) }
            guard hasFilter else { throw firstExclusion.map { .onlyExclusions($0) } ?? .empty }
        }
        try time.check()
        query.createAt = time.range
        query.notCreateAt = time.excluded
        return query
    }

    private mutating func readPart() throws(SearchQueryError) {
        let start = scanner.position
        let isNegated = try readDash()
        if scanner.isAtQuote {
            let phrase = try scanner.quoted(from: start)
            guard phrase.unicodeScalars.contains(where: \.isSearchable) else {
                throw .noWord(scanner.part(from: start))
            }
            add(.phrase(phrase), isNegated)
        } else {
            let run = scanner.run()
            if let colon = run.firstIndex(where: \.isColon), let reading = Self.filter(run, colon) {
                scanner.skip(colon + 1 - scanner.position)
                try readFilter(reading, isNegated, start)
            } else {
                try readWord(run, isNegated, start)
            }
        }
        if isNegated, firstExclusion == nil { firstExclusion = scanner.part(from: start) }
    }

    /// Whether the part here is to be left out; goes behind the dash that says so.
    private mutating func readDash() throws(SearchQueryError) -> Bool {
        // Directly behind a phrase, as in "well known"-ish, a dash joins rather than excludes.
        guard let dash = scanner.peek(), dash.isDash, scanner.isBehindSpace else { return false }
        let next = scanner.peek(1)
        guard dash == "-" else {
            // The dash of a sentence stands alone, and a minus before a digit makes a number.
            guard let next, next.isLetter || next == "#" || next.closingQuotes != nil else { return false }
            scanner.skip()
            return true
        }
        scanner.skip()
        guard let next, !next.isSearchSpace else { throw .dash("-") }
        guard !next.isDash else {
            let start = scanner.position - 1
            _ = scanner.run()
            throw .doubleDash(scanner.part(from: start))
        }
        return true
    }

    private mutating func add(_ term: SearchQuery.Term, _ isNegated: Bool) {
        if isNegated { query.excluded.append(term) } else { query.required.append(term) }
    }

    private mutating func readWord(
        _ run: ArraySlice<Unicode.Scalar>, _ isNegated: Bool, _ start: Int
    ) throws(SearchQueryError) {
        let tag = Self.tag(run)
        if let star = run.firstIndex(of: "*") {
            guard star == run.endIndex - 1, star > run.startIndex, Self.endsWord(run[..<star]) else {
                throw .star(scanner.part(from: start))
            }
            if let tag { throw .tagPrefix(scanner.part(from: start), tag: tag) }
            add(.prefix(SearchQueryScanner.text(run[..<star])), isNegated)
        } else if let tag {
            add(.tag(tag), isNegated)
        } else if run.contains(where: \.isSearchable) {
            add(.word(String(String.UnicodeScalarView(run))), isNegated)
        } else if run.first == "#" {
            throw .tag(scanner.part(from: start))
        } else if isNegated {
            throw .noWord(scanner.part(from: start))
        } else if firstPunctuation == nil {
            firstPunctuation = scanner.part(from: start)
        }
    }

    /// A hashtag as Mattermost knows it, without `#` and the punctuation behind it; nil for `#1` and `C#`.
    private static func tag(_ run: ArraySlice<Unicode.Scalar>) -> String? {
        guard run.first == "#", let first = run.dropFirst().first, first.isLetter || first.isNumber,
            let end = run.lastIndex(where: { $0.isInTag && !$0.isTagPunctuation })
        else { return nil }
        let name = run[(run.startIndex + 1)...end]
        guard name.allSatisfy(\.isInTag), name.contains(where: \.isLetter) else { return nil }
        return SearchQueryScanner.text(name)
    }

    /// Whether the last scalar, or the one its marks belong to, is part of a word.
    private static func endsWord(_ text: ArraySlice<Unicode.Scalar>) -> Bool {
        text.last { !$0.isMark }?.isSearchable ?? false
    }
}

// MARK: Filters

extension SearchQueryParser {
    /// What the letters before a colon ask for; nil where they are part of a word.
    private static func filter(_ run: ArraySlice<Unicode.Scalar>, _ colon: Int) -> SearchFilter.Reading? {
        // An address on the web, whatever its scheme.
        if run[(colon + 1)...].starts(with: "//".unicodeScalars) { return nil }
        return SearchFilter.reading(of: run[..<colon])
    }

    private mutating func readFilter(
        _ reading: SearchFilter.Reading, _ isNegated: Bool, _ start: Int
    ) throws(SearchQueryError) {
        switch reading {
        case .misspelt(let meant):
            let name = scanner.part(from: isNegated ? start + 1 : start)
            let value = try readValue(from: start) ?? ""
            let dash = isNegated ? "-" : ""
            let right = value.contains(" ") ? "\"\(value)\"" : value
            throw .misspelt(scanner.part(from: start), meant: dash + meant + right, text: "\(dash)\"\(name)\(value)\"")
        case .filter(let filter):
            guard let value = try readValue(from: start, sigils: filter.sigils) else {
                throw .noValue(scanner.part(from: start), filter)
            }
            try apply(filter, value, isNegated, scanner.part(from: start))
            if !isNegated { hasFilter = true }
        }
    }

    /// The value behind the colon here, without quotes and without one of `sigils` before it; nil where there is none.
    private mutating func readValue(
        from start: Int, sigils: [Unicode.Scalar] = []
    ) throws(SearchQueryError) -> String? {
        let colon = scanner.position
        guard scanner.skipSpaces() else { return nil }
        if scanner.position > colon, isAtOtherPart {
            scanner.skip(colon - scanner.position)
            return nil
        }
        if let sigil = scanner.peek(), sigils.contains(sigil) { scanner.skip() }
        var value = scanner.isAtQuote ? try scanner.quoted(from: start) : SearchQueryScanner.text(scanner.run())
        if let sigil = value.unicodeScalars.first, sigils.contains(sigil) { value.unicodeScalars.removeFirst() }
        return value.isEmpty ? nil : value
    }

    /// Whether an exclusion or a filter begins here, and so no value.
    private var isAtOtherPart: Bool {
        var ahead = scanner
        let run = ahead.run()
        guard run.first != "-" else { return true }
        return run.firstIndex(where: \.isColon).map { Self.filter(run, $0) != nil } ?? false
    }

    private mutating func apply(
        _ filter: SearchFilter, _ value: String, _ isNegated: Bool, _ part: String
    ) throws(SearchQueryError) {
        switch filter {
        case .from: if isNegated { query.notFrom.append(value) } else { query.from.append(value) }
        case .in: if isNegated { query.notChannels.append(value) } else { query.channels.append(value) }
        case .on, .before, .after:
            guard let day = CalendarSpan(value, today: today)?.range else { throw .date(part) }
            switch (filter, isNegated) {
            case (.before, false): try time.narrow(to: .min..<day.lowerBound, part)
            case (.before, true): try time.narrow(to: day.lowerBound..<(.max), part)
            case (.after, false): try time.narrow(to: day.upperBound..<(.max), part)
            case (.after, true): try time.narrow(to: .min..<day.upperBound, part)
            case (_, false): try time.narrow(to: day, part)
            case (_, true): time.exclude(day, part)
            }
        case .has: try demand([("file", \.hasFile)], filter, value, isNegated, part)
        case .is: try demand([("edited", \.isEdited), ("deleted", \.isDeleted)], filter, value, isNegated, part)
        case .verdict:
            guard let word = VerdictWord(value) else {
                throw .value(part, filter, value, known: VerdictWord.allCases.map(\.word))
            }
            if isNegated { query.notVerdicts.append(word) } else { query.verdicts.append(word) }
        }
    }

    private mutating func demand(
        _ known: [(word: String, flag: WritableKeyPath<SearchQuery, Bool?>)], _ filter: SearchFilter, _ value: String,
        _ isNegated: Bool, _ part: String
    ) throws(SearchQueryError) {
        let lowered = value.lowercased()
        guard let (word, flag) = known.first(where: { $0.word == lowered }) else {
            throw .value(part, filter, value, known: known.map(\.word))
        }
        guard query[keyPath: flag] != isNegated else {
            throw .contradiction(part, (isNegated ? "" : "-") + "\(filter.rawValue):\(word)", isTime: false)
        }
        query[keyPath: flag] = !isNegated
    }
}
