import DemoServer
import Testing

/// Packages that somebody changed who knows how they are made, hashes and all: `check` finds it, and names it.
@Suite struct EvidenceForgeryTests {
    /// The package `good` with the forgery, made in `out`.
    private func expectFound(_ forgery: Forgery, _ stage: Stage) async throws {
        _ = try await stage.run("rm -rf out; cp -r good out")
        do { try await forgery.make(stage) } catch {
            Issue.record("\(forgery.testDescription): \(error)")
            return
        }
        #expect(try await stage.run("cd out; sha256sum --quiet -c SHA256SUMS").code == 0)
        let check = try await stage.run("mmvault check out")
        #expect(check.code == 4, "\(forgery.testDescription): \(check.everything)")
        let said = check.output.replacing(/\n +/, with: " ")
        let wanted = forgery.says.split(separator: "|")
        #expect(wanted.contains { said.contains($0) }, "\(forgery.testDescription): \(check.output)")
    }

    @Test func forgery_IsFoundThoughAllHashesFit() async throws {
        try await EvidenceDamageTests.with { stage in
            for forgery in Forgery.all {
                try await expectFound(forgery, stage)
            }
        }
    }

    /// Whom no server described is called as the import says, and nothing else.
    @Test func namesOfImportedPeople_CannotBeMadeUp() async throws {
        let story = Story()
        try await Stage.with(story: story) { stage in
            try await stage.zipBulk()
            try await stage.settle()
            _ = try await stage.run("mmvault import export.zip --as alice --vault imported")
            let outcome = try await stage.run(
                "mmvault --vault imported export evidence out \(Stage.keys) && mmvault check out && cp -r out good"
            )
            #expect(outcome.code == 0, "\(outcome.everything)")
            let user = "m = load('manifest.json'); u = [u for u in m['users'] if u['id'].startswith('import-')][0]; "
            let forgeries = [
                Forgery("a name", "is not described so", "u.update(first_name='Mallory')"),
                Forgery(
                    "a name that no document is said to give", "is described differently in document",
                    "u.update(first_name='Mallory', document=None)"),
            ]
            for forgery in forgeries {
                let script = user + forgery.script + "; store('manifest.json', m)"
                try await expectFound(Forgery(forgery.testDescription, forgery.says, script), stage)
            }
        }
    }

    /// A document with an edit can be left out, and then it is said that one is not there.
    @Test func aRetractedMessage_IsNotTheLastWord() async throws {
        let story = Story()
        let post = story.world.post(in: story.square, by: story.bob.id, message: "I will pay 100")
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            story.world.advance(by: 100_000)
            story.world.edit(post, message: "I will pay nothing")
            story.world.post(in: story.square, by: story.carol.id, message: "and I will pay the rest")
            guard try await stage.run("mmvault pull").code == 0 else { throw StageError(what: "the second pull") }
            let whole = try await stage.run(
                "mmvault export evidence good --channel town-square \(Stage.keys) && mmvault check good")
            #expect(whole.code == 0 && !whole.output.contains("not here"), "\(whole.everything)")
            #expect(try await stage.run("grep -c 'All later answers' good/report.md").output == "1\n")
            let forged = try await stage.run("cp -r good out")
            try await Forgery(
                "the edit is left out", "",
                """
                m = load('manifest.json'); v = [json.loads(l) for l in open('out/verdicts.jsonl')]
                last = next(x['document'] for x in v if x['id'] == '\(post)' and x['state'] == 'live')
                m['documents'] = [d for d in m['documents'] if d['document'] != last]; store('manifest.json', m)
                for ending in ('record', 'body'): os.remove('out/documents/%d.%s' % (last, ending))
                """
            ).make(stage)
            let check = try await stage.run("mmvault check out")
            #expect(check.code == 4, "\(forged.everything) \(check.everything)")
            // An honest package of posts before a time does not say that these are the last words.
            let narrow = try await stage.run(
                """
                mmvault export evidence narrow --channel town-square --until 2025-03-05 \(Stage.keys) && mmvault check narrow
                grep -c 'later answers of the server that are not here' narrow/report.md
                """)
            #expect(
                narrow.code == 0 && narrow.output.contains("they may hold edits and deletions"), "\(narrow.everything)")
        }
    }

    /// What nothing changed passes, made anew in the same way.
    @Test func untouchedPackage_PassesWithHashesMadeAnew() async throws {
        try await EvidenceDamageTests.with { stage in
            try await Forgery("nothing", "", "").make(stage)
            #expect(try await stage.run("mmvault check out").code == 0)
        }
    }

    @Test func render_MakesTheFormsAnewAndNoneOfADamagedPackage() async throws {
        try await EvidenceDamageTests.with { stage in
            let check = try await stage.run(
                """
                mmvault check out --render fresh && diff -r fresh out | grep -v '^Only in out' | head
                for name in report.html report.md posts files; do [ -e fresh/$name ] || echo no $name; done
                ls -A fresh; stat -c %a fresh/report.html
                """)
            #expect(check.code == 0 && check.output.contains("made anew"), "\(check.everything)")
            #expect(
                Array(check.lines.suffix(5)) == ["files", "posts", "report.html", "report.md", "600"],
                "\(check.everything)")
            let taken = try await stage.run("mmvault check out --render fresh")
            #expect(taken.code == 64 && taken.errors.contains("fresh"), "\(taken.everything)")
            let damaged = try await stage.run(
                "sed -i s/e/E/ out/report.md; mmvault check out --render more; code=$?; ls more; exit $code")
            #expect(
                damaged.code == 4 && damaged.errors.contains("nothing was written to more")
                    && damaged.errors.contains("cannot access"), "\(damaged.everything)")
        }
    }

    @Test func packageOfAnotherVersion_IsNotComparedAndThatIsSaid() async throws {
        try await EvidenceDamageTests.with { stage in
            let version = "m = load('manifest.json'); m['program'] = 'mmvault 9.9'; store('manifest.json', m)"
            try await Forgery("another version", "", version).make(stage)
            let check = try await stage.run("mmvault check out")
            #expect(
                check.code == 10 && check.output.hasPrefix("NOT CHECKED, DO NOT READ THESE: ")
                    && check.output.contains("report.html") && check.output.contains("9.9"),
                "\(check.everything)")
            // What was verified can be had in forms that can be read.
            let rendered = try await stage.run("mmvault check out --render fresh; echo $?; cat fresh/report.md")
            #expect(
                rendered.output.contains("\n10\n") && rendered.output.contains("Messages from the archive of"),
                "\(rendered.everything)")
            let format = "m = load('manifest.json'); m['mmvault_evidence'] = 99; store('manifest.json', m)"
            try await Forgery("another format", "", format).make(stage)
            let other = try await stage.run("mmvault check out")
            #expect(
                other.code == 10 && other.output.hasPrefix("NOT CHECKED  the package has format 99")
                    && !other.output.contains("fits together"), "\(other.everything)")
        }
    }
}
