import DemoServer
import Testing

/// Packages that were damaged, and what vouches for those that were not: `check` finds it, and names it.
@Suite struct EvidenceDamageTests {
    /// A signed package of all there is, in the folder `out`, with a file and an unverified post.
    static func with(_ body: (Stage) async throws -> Void) async throws {
        let story = Story()
        let gone = story.tellMore()
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            // By another name before: what an older document says is no longer so.
            story.world.rename(story.bob.id, firstName: "Bobby")
            story.world.purge(gone)
            guard try await stage.run("mmvault pull --full").code == 0 else {
                throw StageError(what: "the second pull")
            }
            let outcome = try await stage.run(
                "mmvault export evidence out \(Stage.keys); [ $? = 2 ] && mmvault check out && cp -r out good")
            guard outcome.code == 0 else { throw StageError(what: outcome.everything) }
            try await body(stage)
        }
    }

    @Test func damageOfAnyFile_IsFoundAndTheFileNamed() async throws {
        try await Self.with { stage in
            let outcome = try await stage.run(
                #"""
                cd out; names=$(find . -type f -printf '%P\n' | sort); cd ..
                try() {
                  mmvault check out > checked 2>/dev/null; code=$?
                  [ $code = 4 ] && grep -qF "$2" checked && echo found || echo "$1 of $2: $code $(cat checked)"
                  cp good/"$2" out/"$2"
                }
                for name in $names; do
                  [ -s out/$name ] || continue
                  size=$(stat -c %s out/$name)
                  printf "\\x$(printf %02x $((0x$(xxd -p -s $((size / 2)) -l 1 out/$name) ^ 1)))" |
                    dd of=out/$name bs=1 seek=$((size / 2)) conv=notrunc status=none; try flip $name
                  truncate -s -1 out/$name; try truncation $name
                  echo x >> out/$name; try addition $name
                  rm out/$name; try removal $name
                done
                """#)
            #expect(outcome.lines.count > 100)
            #expect(Set(outcome.lines) == ["found"], "\(Set(outcome.lines))")
        }
    }

    @Test func head_ThatWasNotedIsLookedForInThePackage() async throws {
        try await Self.with { stage in
            let noted = try await stage.run(
                "mmvault check --head $(mmvault check | sed -n '/head of the chain/{n;p}') out")
            #expect(noted.code == 0 && noted.output.contains("The head that you noted"), "\(noted.everything)")
            let other = try await stage.run("mmvault check --head $(printf '0%.0s' $(seq 64)) out")
            #expect(other.code == 4 && other.errors.contains("that you noted is not in"), "\(other.everything)")
        }
    }

    @Test(.enabled(if: Stage.hasGpg, "needs gpg"))
    func signature_ShowsWhetherTheHashesWereMadeAnew() async throws {
        try await Stage.with(hasGpg: true) { stage in
            try await stage.settle()
            _ = try await stage.run("mmvault export evidence out --sign alice \(Stage.keys)")
            let stranger = try await stage.run("mkdir -m 700 empty; GNUPGHOME=$PWD/empty mmvault check out")
            #expect(
                stranger.code == 2 && stranger.output.contains("gpg does not know whose it is"),
                "\(stranger.everything)")
            let without = try await stage.run(
                "mkdir few; ln -s $(readlink -f bin/mmvault) few/mmvault; PATH=$PWD/few mmvault check out")
            #expect(without.code == 2 && without.output.contains("gpg is not installed"), "\(without.everything)")
            // Somebody who writes a time into SHA256SUMS, so to speak: another order of its lines.
            let bad = try await stage.run("tac out/SHA256SUMS > s; cat s > out/SHA256SUMS; mmvault check out")
            #expect(bad.code == 4 && bad.output.contains("the signature of another SHA256SUMS"), "\(bad.everything)")
            // Whatever gpg says, the first word is that it was changed, and no other line is a good one.
            #expect(bad.lines.first == "DAMAGED OR CHANGED: believe nothing in “out”.", "\(bad.everything)")
            #expect(!bad.output.contains("good"), "\(bad.everything)")
        }
    }
}
