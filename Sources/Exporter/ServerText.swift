/// Texts of a server within messages of this program: a line, and not at any length. Whoever prints one neutralises it.
enum ServerText {
    /// Unicode scalars, since a single character may have any number of them.
    private static let longest = 200

    /// The first line that is not blank, cut to what a message has room for.
    static func line(_ text: String, orElse other: String = "") -> String {
        // What comes later cannot be shown, and need not be looked at.
        let beginning = String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest * 10)))
        let lines = beginning.split(whereSeparator: \.isNewline)
        guard let line = lines.lazy.map({ $0.drop(while: \.isWhitespace) }).first(where: { !$0.isEmpty }) else {
            return other
        }
        let scalars = line.unicodeScalars
        guard scalars.count > longest else { return String(line) }
        return String(String.UnicodeScalarView(scalars.prefix(longest - 1))) + "…"
    }
}
