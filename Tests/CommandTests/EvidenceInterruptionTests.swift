import DemoServer
import Testing

/// An export that is interrupted, killed, or not alone: what is there is whole, and nothing of anybody else's is
/// touched.
@Suite struct EvidenceInterruptionTests {
    /// What stands in the way is somebody else's.
    @Test func aForeignPart_KeepsItsBytesAndDoesNotBlock() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let outcome = try await stage.run(
                """
                echo data > x.zip.part; ln -s /nowhere y.zip.part
                mmvault export evidence x.zip \(Stage.keys) && mmvault export evidence y.zip \(Stage.keys) &&
                  cat x.zip.part && readlink y.zip.part && mmvault check x.zip && mmvault check y.zip
                """)
            #expect(outcome.code == 0 && outcome.lines.contains("data"), "\(outcome.everything)")
            #expect(outcome.lines.contains("/nowhere"))
        }
    }

    @Test func ofTwoExportsAtOnce_OneWholePackageIsLeft() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            for form in [".zip", ".tar.zst"] {
                let outcome = try await stage.run(
                    """
                    mmvault export evidence out\(form) \(Stage.keys) > first 2>&1 &
                    mmvault export evidence out\(form) \(Stage.keys) > second 2>&1; second=$?
                    wait $!; first=$?; printf '%s\\n' $first $second | sort -n
                    mmvault check out\(form) > checked && ls -d out\(form)*
                    """)
                #expect(outcome.output == "0\n64\nout\(form)\n", "\(outcome.everything)")
                #expect(try await stage.run("cat first second").output.contains("out\(form) exists"))
            }
        }
    }

    /// It says what is left, which for a file is nothing.
    @Test func anInterruptedCommand_SaysWhatIsLeft() async throws {
        let story = Story()
        story.chat(600)
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            #expect(try await stage.run("mmvault export evidence whole.zip \(Stage.keys)").code == 0)
            for (command, says) in [
                ("export evidence out.zip", "a file was not written"),
                ("export evidence out.zip.age --encrypt-to $(age-keygen -y age.key)", "a file was not written"),
                ("export markdown out", "holds INCOMPLETE"), ("audit", "nothing was changed; run it again"),
                ("check whole.zip", "nothing was changed; run it again"),
            ] {
                var wasInterrupted = false
                for delay in [0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6] where !wasInterrupted {
                    let outcome = try await stage.run(
                        """
                        rm -rf out*; [ -e age.key ] || age-keygen -o age.key 2>/dev/null
                        timeout --signal INT --preserve-status \(delay) mmvault \(command)
                        """)
                    #expect(try await stage.run("ls -A | grep '^out[.]' | grep -v '[.]zip$\\|[.]age$'").output.isEmpty)
                    guard outcome.code == 130, outcome.errors.contains("error: interrupted") else { continue }
                    wasInterrupted = true
                    let said = outcome.errors.replacing(/\n +/, with: " ")
                    #expect(said.contains(says), "\(command): \(outcome.errors)")
                    #expect(!said.contains("what was done is kept"), "\(command): \(outcome.errors)")
                    #expect(try await stage.run("ls -A | grep '^out[.]'").output.isEmpty)
                }
                #expect(wasInterrupted, "\(command)")
            }
            let cut = try await stage.run("mkdir cut && touch cut/INCOMPLETE && mmvault export evidence cut")
            #expect(cut.code == 64 && cut.errors.contains("is an export that was cut"), "\(cut.errors)")
        }
    }

    @Test func aKilledExport_LeavesNoPackage() async throws {
        let story = Story()
        story.chat(400)
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            var kills = 0
            var random = SystemlessGenerator(state: 5)
            for round in 0..<8 {
                let form = [".zip", ".tar.zst"][round % 2]
                let seconds = 0.05 + Double(random.next() % 400) / 1000
                let outcome = try await stage.run(
                    "rm -f out*; timeout --signal KILL \(seconds) mmvault export evidence out\(form) \(Stage.keys)")
                guard outcome.code == 137 else { continue }
                kills += 1
                // Nothing at all: it had no name yet.
                #expect(try await stage.run("ls -A | grep ^out").output.isEmpty)
            }
            #expect(kills > 0)
            // A folder says of itself that it was cut.
            _ = try await stage.run("mmvault export evidence cut \(Stage.keys) && touch cut/INCOMPLETE")
            let check = try await stage.run("mmvault check cut")
            #expect(check.code == 4 && check.output.contains("the export was interrupted"))
        }
    }
}
