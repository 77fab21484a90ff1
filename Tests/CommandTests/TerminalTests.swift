import DemoServer
import Foundation
import Testing

@testable import mmvault

/// What a person sees at a terminal of 80 columns, by way of script(1), and what a pipe gets instead.
@Suite struct TerminalTests {
    static let hasScript = FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

    /// Runs a line at a terminal; what is typed there comes from `input`, a shell's command.
    static func atTerminal(
        _ line: String, on stage: Stage, columns: Int = 80, input: String = "sleep 60"
    ) async throws -> Outcome {
        let quoted = "stty cols \(columns) rows 24; \(line)".replacing("'", with: "'\\''")
        // The input stays open until the line has ended.
        return try await stage.run(
            "exec 3< <(\(input)); feeder=$!; script -qec '\(quoted)' /dev/null <&3; code=$?; kill $feeder; exit $code")
    }

    @Test func pipedOutput_HasNoProgressAndNoEscapes() async throws {
        try await Stage.with { stage in
            for line in [
                "mmvault login $URL --token-file token.txt", "mmvault pull", "mmvault status --months",
                "mmvault verify --details", "mmvault check", "mmvault frobnicate", "mmvault key list",
                "mmvault channels", "mmvault read release --key key.asc", "mmvault read nowhere",
            ] {
                let outcome = try await stage.run(line)
                #expect(!outcome.everything.contains("\u{1B}"), "\(line)")
                #expect(!outcome.everything.utf8.contains(13), "\(line)")
                #expect(!outcome.everything.contains("asking for"), "\(line)")
            }
        }
    }

    @Test(.enabled(if: hasScript, "needs script(1)"))
    func progress_FitsTheLineAndIsCleared() async throws {
        try await Stage.with { stage in
            stage.misbehave { _ in .stall(.milliseconds(60)) }
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            let outcome = try await Self.atTerminal("mmvault pull", on: stage)
            #expect(outcome.code == 0, "\(outcome.output)")
            #expect(outcome.output.contains("\u{1B}[K"))
            #expect(outcome.output.contains("asking for members"))
            let screen = Screen(outcome.output)
            #expect(screen.widest <= 79)
            #expect(screen.lines.allSatisfy { !$0.contains("asking for") && !$0.contains("posts/s") })
            #expect(screen.lines.last?.hasPrefix("Next: ") == true)
        }
    }

    /// Words stay whole in a narrow window, in results and in messages, also through a pager.
    @Test(.enabled(if: hasScript, "needs script(1)"))
    func proseFitsANarrowTerminal() async throws {
        try await Stage.with { stage in
            stage.story.carolMakesANewKey()
            try await stage.settle()
            for line in [
                "mmvault audit", "mmvault read nowhere", "mmvault trust signers", "mmvault export markdown out",
                "PAGER='cat -u' mmvault search --context 1 verdict:unclean",
            ] {
                let outcome = try await Self.atTerminal(line, on: stage, columns: 60)
                for line in Screen(outcome.output).lines where !line.contains("HASH") {
                    let longest = line.split(separator: " ").map(\.count).max() ?? 0
                    #expect(line.columns <= 60 || longest >= 50, "\(line)")
                }
            }
        }
    }

    @Test(.enabled(if: hasScript, "needs script(1)"))
    func interruptedProgress_LeavesACleanLine() async throws {
        try await Stage.with { stage in
            _ = try await stage.run("mmvault login $URL --token-file token.txt")
            stage.misbehave { _ in .stall(.seconds(20)) }
            let outcome = try await Self.atTerminal(
                "trap : INT; mmvault pull; echo ended with $?", on: stage, input: "sleep 2; printf '\\003'; sleep 60")
            let screen = Screen(outcome.output)
            #expect(screen.lines.contains("error: interrupted"), "\(screen.lines)")
            #expect(screen.lines.contains("ended with 130"))
        }
    }

    @Test(.enabled(if: hasScript, "needs script(1)"))
    func interruptAtAPrompt_EndsTheProgramAndRestoresTheEcho() async throws {
        try await Stage.with { stage in
            for line in [
                "mmvault login $URL --username alice", "mmvault login $URL", "mmvault login $URL --token-file -",
                "mmvault key restore -",
            ] {
                try await stage.settle()
                let outcome = try await Self.atTerminal(
                    "trap : INT; \(line); echo ended with $?; stty -a | grep -ow -e '-*echo'", on: stage,
                    input: "sleep 1.5; printf '\\003'; sleep 60")
                let lines = Screen(outcome.output).lines
                #expect(lines.contains("ended with 130"), "\(line): \(lines)")
                #expect(lines.last == "echo", "\(line): \(lines)")
            }
        }
    }

    @Test(.enabled(if: hasScript, "needs script(1)"))
    func password_IsAskedForAndNotShown() async throws {
        try await Stage.with { stage in
            let outcome = try await Self.atTerminal(
                "mmvault login $URL", on: stage,
                input: "sleep 1; echo alice; sleep 1; echo '\(Story.password)'; sleep 60")
            #expect(outcome.code == 0)
            #expect(outcome.output.contains("Password: "))
            #expect(!outcome.output.contains(Story.password))
            #expect(outcome.output.contains("as alice."))
        }
    }

    @Test(.enabled(if: hasScript, "needs script(1)"))
    func errors_AreColouredUnlessNobodyWantsThat() async throws {
        try await Stage.with { stage in
            let coloured = try await Self.atTerminal("mmvault pull", on: stage)
            #expect(coloured.output.contains("\u{1B}[1;31merror:\u{1B}[0m there"))
            let plain = try await Self.atTerminal("NO_COLOR=1 mmvault pull", on: stage)
            #expect(plain.output.contains("\u{1B}[Kerror: there"))
            // A terminal that can do nothing but show lines.
            for line in ["mmvault pull", "mmvault login $URL --token-file token.txt && mmvault pull && mmvault audit"] {
                let bare = try await Self.atTerminal("export TERM=dumb; \(line)", on: stage)
                #expect(!bare.output.contains("\u{1B}"), "\(bare.output.debugDescription)")
            }
        }
    }
}

/// What stands on a screen after a text with carriage returns and erasures was written to it.
struct Screen {
    /// The widest that any line ever was, in columns.
    private(set) var widest = 0
    private(set) var lines: [String] = []

    init(_ output: String) {
        var text = output.replacing("\r\n", with: "\n")
        text.replace(/\u{1B}\[[0-9;]*m/, with: "")
        for line in text.split(separator: "\n", omittingEmptySubsequences: true) {
            var shown = ""
            for piece in String(line).components(separatedBy: "\r") {
                // A line is always erased before it is written again.
                shown = piece.hasPrefix("\u{1B}[K") ? String(piece.dropFirst(3)) : shown + piece
                if piece.hasPrefix("\u{1B}[K") || line.contains("\u{1B}") { widest = max(widest, shown.columns) }
            }
            lines.append(shown)
        }
    }
}
