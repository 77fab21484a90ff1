/// A point in time as Mattermost counts it: milliseconds since 1970-01-01 00:00 UTC, without leap seconds.
public struct Timestamp: Hashable, Comparable, Sendable {
    public let milliseconds: Int64

    public init(milliseconds: Int64) { self.milliseconds = milliseconds }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.milliseconds < right.milliseconds }

    /// Whether a post can have been written then: from 1990 on, before which nobody chatted in what servers import, to the year
    /// 9999, the last one that a date can be written for. Seconds and microseconds in the place of milliseconds are outside.
    public var isPlausible: Bool { Timestamp.plausible.contains(milliseconds) }
    static let plausible: ClosedRange<Int64> = 631_152_000_000...253_402_300_799_999

    /// The calendar date and time of day in UTC.
    public var components: Components {
        let (days, rest) = floorDivide(milliseconds, by: 86_400_000)
        // Days to civil date, proleptic Gregorian: eras of 400 years that begin on the first of March.
        let (era, dayOfEra) = floorDivide(days + 719_468, by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        return Components(
            year: Int(yearOfEra + era * 400 + (month >= 10 ? 1 : 0)),
            month: Int(month < 10 ? month + 3 : month - 9), day: Int(dayOfYear - (153 * month + 2) / 5 + 1),
            hour: Int(rest / 3_600_000), minute: Int(rest / 60_000 % 60), second: Int(rest / 1000 % 60),
            millisecond: Int(rest % 1000), weekday: Int(floorDivide(days + 4, by: 7).remainder))
    }

    public struct Components: Equatable, Sendable {
        public let year, month, day, hour, minute, second, millisecond: Int
        /// 0 is Sunday.
        public let weekday: Int
    }

    /// The beginning of a day in UTC, or nil for a date that does not exist.
    public init?(year: Int, month: Int, day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), (1...31).contains(day) else { return nil }
        let shifted = Int64(month <= 2 ? year - 1 : year)
        let (era, yearOfEra) = floorDivide(shifted, by: 400)
        let dayOfYear = Int64((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1)
        let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
        self.init(milliseconds: days * 86_400_000)
        guard components.day == day, components.month == month else { return nil }
    }

    /// Reads what `iso8601` wrote, and nothing else.
    public init?(iso8601 text: String) {
        let digits = text.utf8.map { (0x30...0x39).contains($0) ? Int64($0 - 0x30) : -1 }
        guard digits.count == 24 else { return nil }
        func number(_ range: Range<Int>) -> Int64 { digits[range].reduce(0) { $0 * 10 + max($1, 0) } }
        guard let day = Timestamp(year: Int(number(0..<4)), month: Int(number(5..<7)), day: Int(number(8..<10))) else {
            return nil
        }
        let seconds = (number(11..<13) * 60 + number(14..<16)) * 60 + number(17..<19)
        milliseconds = day.milliseconds + seconds * 1000 + number(20..<23)
        // Separators, digits and ranges at one go.
        guard iso8601.utf8.elementsEqual(text.utf8) else { return nil }
    }

    /// `2026-11-23T08:31:05.881Z` (RFC 3339).
    public var iso8601: String {
        let c = components
        return
            "\(padded(c.year, 4))-\(padded(c.month))-\(padded(c.day))T\(padded(c.hour)):\(padded(c.minute)):\(padded(c.second)).\(padded(c.millisecond, 3))Z"
    }

    /// `2026-11-23`; of a time that is not plausible, as of all forms for people, `time -1`.
    public var date: String {
        guard isPlausible else { return number }
        let c = components
        return "\(padded(c.year, 4))-\(padded(c.month))-\(padded(c.day))"
    }

    private var number: String { "time \(milliseconds)" }

    /// `2026-11`
    public var month: String { isPlausible ? String(date.dropLast(3)) : number }

    /// `08:31`
    public var timeOfDay: String {
        guard isPlausible else { return number }
        let c = components
        return "\(padded(c.hour)):\(padded(c.minute))"
    }

    /// `2026-11-23 08:31`
    public var minute: String { isPlausible ? "\(date) \(timeOfDay)" : number }

    /// `2026-11-23 08:31:05`
    public var second: String { isPlausible ? "\(minute):\(padded(components.second))" : number }

    /// `Monday, 2026-11-23`
    public var day: String { isPlausible ? "\(weekday), \(date)" : number }

    private var weekday: String {
        ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"][components.weekday]
    }

    /// `Mon, 23 Nov 2026 08:31:05 +0000` (RFC 5322, section 3.3).
    public var rfc5322: String {
        let c = components
        return "\(Timestamp.weekdays[c.weekday]), \(padded(c.day)) \(Timestamp.months[c.month - 1]) "
            + "\(padded(c.year, 4)) \(padded(c.hour)):\(padded(c.minute)):\(padded(c.second)) +0000"
    }

    /// `Mon Nov 23 08:31:05 2026`, as in the `From ` line of an mbox (asctime(3)).
    public var asctime: String {
        let c = components
        let day = c.day < 10 ? " \(c.day)" : "\(c.day)"
        return "\(Timestamp.weekdays[c.weekday]) \(Timestamp.months[c.month - 1]) \(day) "
            + "\(padded(c.hour)):\(padded(c.minute)):\(padded(c.second)) \(padded(c.year, 4))"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}

private func floorDivide(_ value: Int64, by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
    let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
}

private func padded(_ number: Int, _ width: Int = 2) -> String {
    if width == 2, (0...99).contains(number) { return number < 10 ? "0\(number)" : "\(number)" }
    let digits = String(abs(number))
    let zeros = String(repeating: "0", count: max(0, width - digits.count))
    return (number < 0 ? "-" : "") + zeros + digits
}
