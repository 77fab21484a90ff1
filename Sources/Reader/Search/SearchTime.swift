internal import Archive

/// A day, a month or a year in UTC, in milliseconds since 1970.
struct CalendarSpan {
    let range: Range<Int64>

    /// Reads `2026-11-23`, `2026-11`, `2026`, `today` and `yesterday`; nil for anything else, and for a day that no
    /// calendar has.
    init?(_ text: String, today: Timestamp) {
        let now = today.components
        let midnight = Timestamp(year: now.year, month: now.month, day: now.day)?.milliseconds
        switch text.lowercased() {
        case "today": self.init(day: midnight)
        case "yesterday": self.init(day: midnight.map { $0 - Self.day })
        default: self.init(date: text)
        }
    }

    private init?(day start: Int64?) {
        guard let start else { return nil }
        range = start..<start + Self.day
    }

    private init?(date text: String) {
        var numbers: [Int] = []
        // Ten characters are the longest date. A date that went through a text processor has other dashes.
        guard text.unicodeScalars.count <= 10 else { return nil }
        for digits in text.unicodeScalars.split(omittingEmptySubsequences: false, whereSeparator: \.isDash) {
            let count = digits.count
            // The year in four digits, so that 23-11-26 is not taken for one of the first century.
            guard numbers.count < 3, numbers.isEmpty ? count == 4 : count == 1 || count == 2,
                digits.allSatisfy({ (0x30...0x39).contains($0.value) }), let number = Int(String(digits))
            else { return nil }
            numbers.append(number)
        }
        let (month, day) = (numbers.count > 1 ? numbers[1] : nil, numbers.count > 2 ? numbers[2] : nil)
        // The end comes from the last day and not from the next year, for which there is no Timestamp after 9999.
        let lastDays = day.map { $0...$0 } ?? 28...31
        guard let first = Timestamp(year: numbers[0], month: month ?? 1, day: day ?? 1),
            let last = lastDays.reversed().lazy.compactMap({
                Timestamp(year: numbers[0], month: month ?? 12, day: $0)
            }).first
        else { return nil }
        range = first.milliseconds..<last.milliseconds + Self.day
    }

    private static let day: Int64 = 86_400_000
}

/// The time that the date filters leave, and which of them drew its ends.
struct SearchTime {
    private(set) var range: Range<Int64> = Int64.min..<Int64.max
    private(set) var excluded: [Range<Int64>] = []
    private var lowerPart = "", upperPart = ""
    private var excludedParts: [String] = []

    /// Leaves what is in `other` too. `part` is the filter as typed.
    mutating func narrow(to other: Range<Int64>, _ part: String) throws(SearchQueryError) {
        guard other.lowerBound < range.upperBound else { throw .contradiction(part, upperPart, isTime: true) }
        guard range.lowerBound < other.upperBound else { throw .contradiction(part, lowerPart, isTime: true) }
        if other.lowerBound > range.lowerBound { lowerPart = part }
        if other.upperBound < range.upperBound { upperPart = part }
        range = range.clamped(to: other)
    }

    mutating func exclude(_ other: Range<Int64>, _ part: String) {
        excluded.append(other)
        excludedParts.append(part)
    }

    /// Refuses a day that is asked for and left out at once.
    func check() throws(SearchQueryError) {
        for (other, part) in zip(excluded, excludedParts)
        where other.lowerBound <= range.lowerBound && range.upperBound <= other.upperBound {
            throw .contradiction(part, lowerPart, isTime: true)
        }
    }
}
