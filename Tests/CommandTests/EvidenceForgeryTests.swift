import Testing

/// Packages that somebody changed who knows how they are made, hashes and all: `check` finds it, and names it.
@Suite struct EvidenceForgeryTests {
    /// The package `good` with the forgery, made in `out`.
    private func expectFound(_ forgery: Forgery, _ stage: Stage) async throws {
        _ = try await stage.run("rm -rf out; cp -r good out")
        try await forgery.make(stage)
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
                    "a name that no document is said to give", "is described otherwise in document",
                    "u.update(first_name='Mallory', document=None)"),
            ]
            for forgery in forgeries {
                let script = user + forgery.script + "; store('manifest.json', m)"
                try await expectFound(Forgery(forgery.testDescription, forgery.says, script), stage)
            }
        }
    }

    /// What nothing changed passes, made anew in the same way.
    @Test func untouchedPackage_PassesWithHashesMadeAnew() async throws {
        try await EvidenceDamageTests.with { stage in
            try await Forgery("nothing", "", "").make(stage)
            #expect(try await stage.run("mmvault check out").code == 0)
        }
    }

    @Test func packageOfAnotherVersion_IsNotComparedAndThatIsSaid() async throws {
        try await EvidenceDamageTests.with { stage in
            let version = "m = load('manifest.json'); m['program'] = 'mmvault 9.9'; store('manifest.json', m)"
            try await Forgery("another version", "", version).make(stage)
            let check = try await stage.run("mmvault check out")
            #expect(
                check.code == 2 && check.errors.contains("report.html") && check.errors.contains("9.9"),
                "\(check.everything)")
        }
    }
}
