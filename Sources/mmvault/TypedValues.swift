import Archive
import ArgumentParser

/// A number of bytes, as typed: 50M is 50 MiB.
struct ByteCount {
    let bytes: Int64

    init(typed text: String) throws {
        let units: [Character: Int64] = ["K": 1 << 10, "M": 1 << 20, "G": 1 << 30]
        let unit = text.last.flatMap { units[Character($0.uppercased())] }
        guard let number = Int64(unit == nil ? text : String(text.dropLast())), number >= 0,
            case (let bytes, let overflow) = number.multipliedReportingOverflow(by: unit ?? 1), !overflow
        else { throw ValidationError("a size looks like 800K, 50M or 2G") }
        self.bytes = bytes
    }
}

/// A day in UTC, as typed: 2026-01-31.
struct Day {
    let start: Timestamp

    var end: Timestamp { Timestamp(milliseconds: start.milliseconds + 86_400_000) }

    init(typed text: String) throws {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, parts[1].count == 2, parts[2].count == 2,
            let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
            let start = Timestamp(year: year, month: month, day: day)
        else { throw ValidationError("a day looks like 2026-01-31") }
        self.start = start
    }
}
