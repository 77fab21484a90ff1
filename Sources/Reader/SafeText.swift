/// Foreign text made safe to show: whatever could move a cursor, change a colour, turn the direction of writing or hide
/// itself stands there visibly instead, as `\u{202E}`.
///
/// Without this, a user name may overwrite a verdict on the terminal (ECMA-48 escape sequences), and a text may read
/// backwards what it says forwards (Unicode TR 36, section 3.6).
public enum SafeText {
    /// For one line: line ends are shown as well.
    public static func line(_ text: String) -> String { neutralised(text, keepsLines: false) }

    /// For a text of several lines: `\n` and `\t` stay, every other way to end a line becomes `\n`.
    public static func block(_ text: String) -> String { neutralised(text, keepsLines: true) }

    /// A name that somebody else chose, within a sentence of ours: for one line, and not at any length.
    static func shortName(_ text: String) -> String {
        let scalars = line(text).unicodeScalars
        return scalars.count > 60 ? String(String.UnicodeScalarView(scalars.prefix(59))) + "…" : String(scalars)
    }

    private static func neutralised(_ text: String, keepsLines: Bool) -> String {
        // Nearly every text is harmless, and then nothing is copied.
        guard text.unicodeScalars.contains(where: { !isHarmless($0) }) else { return text }
        // An array: to append several scalars to a view copies all of it.
        var result: [Unicode.Scalar] = []
        var previous: Unicode.Scalar?
        for scalar in text.unicodeScalars {
            defer { previous = scalar }
            if isHarmless(scalar) {
                result.append(scalar)
            } else if keepsLines, scalar == "\t" {
                result.append(scalar)
            } else if keepsLines, isLineEnd(scalar) {
                // CR LF is one end of a line.
                if !(scalar == "\n" && previous == "\r") { result.append("\n") }
            } else {
                show(scalar, in: &result)
            }
        }
        return String(String.UnicodeScalarView(result))
    }

    /// As `\u{202E}`.
    private static func show(_ scalar: Unicode.Scalar, in result: inout [Unicode.Scalar]) {
        result.append(contentsOf: ["\\", "u", "{"])
        // Four bits a digit, without the zeros before the first.
        let width = max(1, (32 - scalar.value.leadingZeroBitCount + 3) / 4)
        for place in (0..<width).reversed() {
            let digit = UInt8(scalar.value >> (4 * UInt32(place)) & 0xF)
            result.append(Unicode.Scalar(digit < 10 ? 0x30 + digit : 0x37 + digit))
        }
        result.append("}")
    }

    /// LF, VT, FF, CR, NEL, LINE SEPARATOR, PARAGRAPH SEPARATOR (Unicode, section 5.8).
    private static func isLineEnd(_ scalar: Unicode.Scalar) -> Bool {
        (0x0A...0x0D).contains(scalar.value) || [0x85, 0x2028, 0x2029].contains(scalar.value)
    }

    private static func isHarmless(_ scalar: Unicode.Scalar) -> Bool {
        if (0x20...0x7E).contains(scalar.value) { return true }
        switch scalar.properties.generalCategory {
        case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: return false
        // Joiners make emoji and Persian words; all other format characters hide or turn something.
        case .format: return scalar.value == 0x200C || scalar.value == 0x200D
        default:
            // Fillers and joiners that show nothing, though they count as letters or marks.
            return ![0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0].contains(scalar.value)
        }
    }
}
