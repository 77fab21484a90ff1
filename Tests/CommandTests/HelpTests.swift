import Testing

@testable import mmvault

/// What a user is told before anything is done.
@Suite struct HelpTests {
    static let commands = [
        "", "recover", "login", "pull", "import", "key", "key restore", "key mine", "key list", "key backup",
        "key identity",
        "trust",
        "trust list", "trust show", "trust confirm", "trust accept", "trust reject", "trust withdraw", "trust original",
        "trust signers", "trust adopt",
        "trust export", "trust import",
        "verify", "audit", "channels", "read", "search", "export", "status", "check", "head", "demo",
    ]

    @Test(arguments: commands)
    func help_FitsEightyColumnsAndIsNoError(command: String) async throws {
        try await Stage.with { stage in
            for line in ["mmvault \(command) --help", "mmvault help \(command)"] {
                let help = try await stage.run(line)
                #expect(help.code == 0 && help.errors.isEmpty)
                #expect(help.output.contains("OVERVIEW: ") && help.output.contains("USAGE: mmvault"))
                for line in help.lines { #expect(line.count <= 80, "\(line)") }
            }
        }
    }

    @Test(arguments: [
        "recover", "login", "pull", "import", "key restore", "key mine", "key list", "key backup", "key identity",
        "verify",
        "trust list", "trust show", "trust confirm", "trust accept", "trust reject", "trust withdraw", "trust original",
        "trust signers", "trust adopt",
        "trust export", "trust import",
        "audit", "channels", "read", "search", "export", "status", "check", "head", "demo",
    ])
    func help_ListsTheExitCodes(command: String) async throws {
        try await Stage.with { stage in
            let help = try await stage.run("mmvault \(command) --help").output
            #expect(help.contains("EXIT CODES:\n  0    done"))
        }
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func completionScript_IsPrinted(shell: String) async throws {
        try await Stage.with { stage in
            let script = try await stage.run("mmvault --generate-completion-script \(shell)")
            #expect(script.code == 0 && script.output.contains("token-file"))
            if shell == "bash" {
                #expect(try await stage.run("mmvault --generate-completion-script bash | bash -n").code == 0)
            }
        }
    }

    @Test func error_IsSaidInTheProgramsOwnVoice() async throws {
        try await Stage.with { stage in
            let outcome = try await stage.run("mmvault pull --frobnicate")
            #expect(outcome.errors.hasPrefix("error: ") && outcome.errors.contains("\nhint: "))
            #expect(outcome.output.isEmpty)
        }
    }
}

@Suite struct DisplayWidthTests {
    @Test(arguments: [
        ("", 0), ("abc", 3), ("発売", 4), ("é", 1), ("e\u{301}", 1), ("👍", 2), ("👨‍👩‍👧", 2), ("☎", 1), ("☎️", 2), ("한", 2),
        ("ｆ", 2), ("שלום", 4), ("…", 1),
    ])
    func columns_AreThoseOfATerminal(text: String, columns: Int) { #expect(text.columns == columns) }

    @Test(arguments: ["", "town", "発売日の予定は未定です", "🎉🎉🎉🎉🎉🎉", "exactly ten", "a発売発売発売"])
    func padding_FillsJustTheWidth(text: String) {
        for width in [1, 2, 5, 10, 11, 30] { #expect(text.padded(to: width).columns == width) }
    }

    @Test func wrapping_BreaksAtSpacesAndKeepsWords() {
        #expect("one two three four".wrapped(indent: 2, width: 9) == "one two\n  three\n  four")
        #expect("see /a/very/long/path for it".wrapped(indent: 0, width: 8) == "see\n/a/very/long/path\nfor it")
        #expect("  a  b".wrapped(indent: 4, width: 80) == "  a  b")
        #expect("a\nb".wrapped(indent: 4, width: 80) == "a\n    b")
    }

    @Test(arguments: [
        ("one two three", 7, ["one two", "three"]), ("  kept  as it  is", 20, ["  kept  as it  is"]),
        ("one  two", 4, ["one", "two"]), ("a\n\nb", 9, ["a", "", "b"]), ("", 9, [""]), ("a\tb", 9, ["a    b"]),
        ("発売日の予定", 7, ["発売日", "の予定"]), ("発売日。次", 6, ["発売", "日。次"]), ("ab発売", 4, ["ab発", "売"]),
        ("see 発「売」ok", 8, ["see 発", "「売」ok"]), ("x abcdefghij y", 4, ["x", "abcd", "efgh", "ij y"]),
        ("a\u{A0}b\u{2003}c", 3, ["a\u{A0}b", "c"]), (String(repeating: " ", count: 9) + "x", 4, ["", "x"]),
    ])
    func lines_AreBrokenWhereTheyMay(text: String, width: Int, lines: [String]) {
        #expect(text.lines(width: width, cutsWords: true) == lines)
    }

    @Test func lines_KeepWordsThatAreLongerIfTheyMay() {
        #expect("x abcdefghij y z".lines(width: 4, cutsWords: false) == ["x", "abcdefghij", "y z"])
        #expect("abcdefghij".lines(width: 4, cutsWords: false) == ["abcdefghij"])
    }

    /// A terminal that shows each of a family by itself must not come to its last column before we do.
    @Test func lines_LeaveRoomForTerminalsThatJoinNothing() {
        let families = String(repeating: "👨‍👩‍👧", count: 10)
        for line in families.lines(width: 20, cutsWords: true) {
            #expect(line.unicodeScalars.filter { $0.value > 0x2000 && $0.value != 0x200D }.count <= 10)
        }
        #expect(families.lines(width: 20, cutsWords: true).joined() == families)
    }

    @Test func numbers_AreGroupedAndCounted() {
        #expect([0, 999, 1000, 1_234_567, -4321].map(\.grouped) == ["0", "999", "1,000", "1,234,567", "-4,321"])
        #expect(1.of("post") == "1 post" && 0.of("post") == "0 posts" && 2.of("is", "are") == "2 are")
    }
}
