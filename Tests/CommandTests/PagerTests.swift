import DemoServer
import Foundation
import Testing

@testable import mmvault

/// What a person sees who reads at a terminal, by way of script(1).
@Suite(.enabled(if: TerminalTests.hasScript, "needs script(1)"))
struct PagerTests {
    private static let hasLess = FileManager.default.isExecutableFile(atPath: "/usr/bin/less")

    private func settled(_ body: (Stage) async throws -> Void) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            try await body(stage)
        }
    }

    @Test func outputAtATerminal_GoesThroughThePager() async throws {
        try await settled { stage in
            try stage.write("bin/mark", "#!/bin/sh\nsed 's/^/| /'; echo LESS=$LESS LESSHISTFILE=$LESSHISTFILE\n")
            let mark = "chmod +x bin/mark; PAGER=mark"
            let outcome = try await TerminalTests.atTerminal(
                "\(mark) mmvault read release --key key.asc --mine", on: stage)
            #expect(outcome.code == 0)
            let lines = Screen(outcome.output).lines
            #expect(lines.dropLast().allSatisfy { $0.hasPrefix("|") }, "\(lines)")
            #expect(lines.last == "LESS=FRX LESSHISTFILE=-")
            for line in ["--no-pager", "--key key.asc --mine | cat", "--key key.asc --mine > file; cat file"] {
                let plain = try await TerminalTests.atTerminal("\(mark) mmvault read release \(line)", on: stage)
                #expect(!plain.output.contains("LESS="), "\(line)")
            }
            let other = try await TerminalTests.atTerminal("\(mark) LESS=-i mmvault read release --no-keys", on: stage)
            #expect(Screen(other.output).lines.last == "LESS=-i LESSHISTFILE=-")
        }
    }

    @Test func pagerThatIsMissing_IsDoneWithout() async throws {
        try await settled { stage in
            for pager in ["nosuchpager", "/no/such/pager -x", "cat", ""] {
                let outcome = try await TerminalTests.atTerminal("PAGER='\(pager)' mmvault read release", on: stage)
                #expect(outcome.code == 0, "\(pager)")
                #expect(Screen(outcome.output).lines.first?.hasPrefix("Release") == true, "\(outcome.output)")
                #expect(!outcome.output.contains("not found"))
            }
            let broken = try await TerminalTests.atTerminal("PAGER='true; nosuchpager' mmvault read release", on: stage)
            #expect(broken.code == 1 && broken.output.contains("does not start"))
        }
    }

    /// More posts than a pipe holds, and a pager that reads three lines.
    @Test(.timeLimit(.minutes(10))) func quittingThePager_EndsTheReadingWithoutAnError() async throws {
        let story = Story()
        for number in 0..<600 {
            story.world.post(
                in: story.square, by: story.bob.id, message: String(repeating: "word \(number) ", count: 60))
        }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            for pager in ["head -n 3", "true", "sh -c \"exit 3\""] {
                let outcome = try await TerminalTests.atTerminal(
                    "PAGER='\(pager)' mmvault read town-square; echo ended with $?", on: stage)
                let lines = Screen(outcome.output).lines
                #expect(lines.last == "ended with 0", "\(lines)")
                #expect(lines.count <= 4, "\(lines)")
            }
        }
    }

    @Test(.enabled(if: hasLess, "needs less"), .timeLimit(.minutes(10)))
    func interruptUnderThePager_IsThePagers() async throws {
        let story = Story()
        for number in 0..<100 { story.world.post(in: story.square, by: story.bob.id, message: "word \(number)") }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let outcome = try await TerminalTests.atTerminal(
                "trap : INT; mmvault read town-square; echo ended with $?", on: stage,
                input: "sleep 2; printf '\\003'; sleep 0.5; printf '\\003'; sleep 0.5; printf q; sleep 60")
            #expect(outcome.output.contains("ended with 0"), "\(outcome.output)")
            #expect(!outcome.output.contains("interrupted"))
            #expect(!FileManager.default.fileExists(atPath: "\(stage.folder)/.lesshst"))
        }
    }

    @Test func colours_AreForTerminalsAndThoseWhoWantThem() async throws {
        try await settled { stage in
            let read = "mmvault read release --no-pager --key key.asc --mine"
            #expect(try await TerminalTests.atTerminal(read, on: stage).output.contains("\u{1B}[1;31mNOT VERIFIED"))
            for line in ["NO_COLOR=1 \(read)", "TERM=dumb \(read)", "\(read) | cat"] {
                let plain = try await TerminalTests.atTerminal(line, on: stage)
                #expect(!plain.output.contains("\u{1B}[") && plain.output.contains("! NOT VERIFIED"), "\(line)")
            }
        }
    }

    @Test func lines_KeepToTheTerminalsWidth() async throws {
        try await settled { stage in
            let narrow = try await TerminalTests.atTerminal(
                "stty cols 50; mmvault read release --no-pager --key key.asc --mine", on: stage)
            let lines = Screen(narrow.output).lines
            #expect(lines.contains { $0.columns > 40 } && lines.allSatisfy { $0.columns <= 50 })
        }
    }
}
