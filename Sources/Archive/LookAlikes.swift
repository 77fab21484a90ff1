internal import Foundation

/// Names that a person takes for one another.
public enum LookAlikes {
    /// What two names have in common that look alike, as “carol” and “Caro1” do, or with a Cyrillic “с” for the Latin one.
    /// Mattermost itself allows small Latin letters, digits, dots, hyphens and underscores in a username (`IsValidUsername`
    /// in model/user.go); a hostile server allows whatever it likes.
    public static func fold(_ name: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in straightened(name).lowercased().unicodeScalars {
            switch scalar.properties.generalCategory {
            case .nonspacingMark, .enclosingMark, .format, .control, .spaceSeparator: continue
            default: if !invisible.contains(scalar) { scalars.append(letters[scalar] ?? scalar) }
            }
        }
        return String(scalars).replacing("rn", with: "m").replacing("vv", with: "w")
    }

    /// A name with `(` and `)` for all that is, or stands for, a square bracket.
    public static func roundingBrackets(_ name: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in name.unicodeScalars {
            switch String(scalar).decomposedStringWithCompatibilityMapping {
            case "[": scalars.append("(")
            case "]": scalars.append(")")
            default: scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// Taken apart, and with a small l for each capital that looks like one, and not like what it becomes in lower case: I,
    /// and the Cyrillic, Greek and African letters of that shape.
    private static func straightened(_ name: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in name.decomposedStringWithCompatibilityMapping.unicodeScalars {
            scalars.append(uprights.contains(scalar) ? "l" : scalar)
        }
        return String(scalars)
    }

    private static let uprights: Set<Unicode.Scalar> = ["I", "\u{0196}", "\u{0399}", "\u{0406}", "\u{04C0}"]

    /// Letters and symbols without ink that no general category tells.
    private static let invisible: Set<Unicode.Scalar> = [
        "\u{115F}", "\u{1160}", "\u{2800}", "\u{3164}", "\u{FFA0}", "\u{1D159}",
    ]

    /// Of Unicode's confusables.txt (UTS #39), what is mistaken for a Latin letter or a digit, is one scalar, and is not
    /// taken apart by the compatibility mapping.
    private static let letters: [Unicode.Scalar: Unicode.Scalar] = {
        var letters: [Unicode.Scalar: Unicode.Scalar] = ["0": "o", "1": "l", "|": "l"]
        for (letter, scalars) in table {
            for hex in scalars.split(separator: " ") {
                guard let scalar = UInt32(hex, radix: 16).flatMap(Unicode.Scalar.init) else { continue }
                letters[scalar] = letter
            }
        }
        return letters
    }()

    private static let table: [(Unicode.Scalar, String)] = [
        ("2", "01A8 03E9 14BF A645 A6EF A75B"),
        ("3", "021D 025C 0292 0437 04E1 2CCD A76B 118CA 16F3B 1D206"),
        ("4", "AB9E 118CF"),
        ("5", "118DB"),
        ("6", "0431 2CD3 ABBE"),
        ("7", "104FA 1D212"),
        ("8", "0223 09EA 0A6A 0B03 1031A"),
        ("9", "09ED 0A67 0B68 0D6D 2CCB A76F 118CC 118D6"),
        ("a", "0251 03B1 0430 15C5 237A A4EE AB7A 102A0 16F40"),
        ("b", "0185 03B2 0432 044C 13FC 1472 15AF 15F7 A4D0 A7B5 AB9F 10282 102A1 10301"),
        ("c", "03C2 0441 1D04 2CA5 A4DA ABAF 102A2 10302 1043D 1051C 118E9 118F2 1F74C"),
        ("d", "0501 146F 15DE 15EA A4D2 A4D3 AB70 ABB7"),
        ("e", "03B5 0435 04BD 212E 22FF 2D39 A4F0 AB32 AB7C 10286 118C6 118CE"),
        ("f", "03DD 0584 15B4 1E9D A4DD A799 AB35 10287 102A5 10525 118C2 1D213"),
        ("g", "018D 0261 050D 0581 13FB 1D83 A4D6 AB90"),
        ("h", "03B7 043D 04BB 0570 157C 2C8F A4E7 AB8B AB92 102CF"),
        ("i", "0131 0269 026A 03B9 0456 04CF 2373 A647 AB75 118C3"),
        ("j", "029D 03F3 0458 148D A4D9 AB7B"),
        ("k", "03BA 043A 16D5 2C95 A4D7 ABB6 10518"),
        (
            "l",
            """
            01C0 05C0 05D5 05DF 0627 0661 06F1 07CA 14AA 16C1 2223 23FD 2502 2C93 2CD1 2D4F A4E1 A4F2 ABAE 1028A 10309 10320 10443 10526 118D2 \
            16F16 16F28 1D22A 1E8C7 1EE00 1EE80 1FBF1
            """
        ),
        ("m", "03BC 03FB 043C 15F0 16D6 2C99 A4DF AB87 102B0 10311"),
        ("n", "0578 057C 2C9B A4E0 10513"),
        (
            "o",
            """
            03BF 03C3 043E 0585 05E1 0647 0665 06BE 06C1 06D5 06F5 07C0 0966 09E6 0A66 0AE6 0B20 0B66 0BE6 0C02 0C66 0C82 0CE6 0D02 0D20 0D66 0D82 0E50 \
            0ED0 101D 1040 10FF 12D0 1D0F 1D11 2C9F 2D54 3007 A4F3 AB3D 10292 102AB 1042C 104EA 10516 114D0 118C8 \
            118D5 118D7 118E0
            """
        ),
        ("p", "03C1 0440 146D 2374 2CA3 A4D1 ABB2 10295"),
        ("q", "051B 0563 0566 2D55"),
        ("r", "0280 0433 1587 1D26 2C85 A4E3 AB47 AB48 AB71 AB81 ABA2 104DC 16F35 1D216"),
        ("s", "01BD 0455 057F A4E2 A731 ABA5 ABAA 10296 10448 118C1 16F3A"),
        ("t", "03C4 0442 22A4 27D9 2CA7 A4D4 AB72 10297 102B1 10315 16F0A 1F768"),
        ("u", "028B 03C5 057D 1200 144C 1D1C 222A 22C3 A4F4 A79F AB4E AB52 104F6 118D8 16F42"),
        ("v", "03BD 0475 05D8 0667 06F7 142F 1D20 2228 22C1 2D38 A4E6 A6DF ABA9 1051D 11706 118C0 16F08 1D20D"),
        ("w", "026F 0461 051D 0561 1D21 A4EA AB83 ABA4 1170A 1170E 1170F 118E6 118EF"),
        (
            "x",
            """
            00D7 03C7 0445 1541 157D 166D 166E 16B7 2573 292B 292C 2A2F 2CAD 2D5D A4EB AB53 10290 102B4 10317 10322 \
            10527 118EC
            """
        ),
        ("y", "0263 028F 03B3 0443 04AF 10E7 1D8C 1EFF 2CA9 A4EC AB5A AB79 AB8D 102B2 118DC 16F43"),
        ("z", "03B6 1D22 A4DC AB93 102F5 118C4 118C9 118E5"),
    ]
}
