/// The form of the `Date` header, from the world's own clock: the wall clock would make runs differ.
enum HTTPDate {
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// - Parameter milliseconds: Since 1970-01-01 UTC, not negative.
    static func text(milliseconds: Int64) -> String {
        let seconds = milliseconds / 1000
        let (days, second) = (seconds / 86_400, seconds % 86_400)
        // The civil calendar counted from 0000-03-01, so that a leap day ends its year.
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = Int(marchMonth < 10 ? marchMonth + 2 : marchMonth - 10)
        let year = yearOfEra + era * 400 + (month < 2 ? 1 : 0)
        let time = [second / 3600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
        return "\(weekdays[Int(days % 7)]), \(twoDigits(day)) \(months[month]) \(year) \(time) GMT"
    }

    private static func twoDigits(_ number: Int64) -> String {
        number < 10 ? "0\(number)" : "\(number)"
    }
}
