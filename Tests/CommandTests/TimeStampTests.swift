import Archive
import Bytes
import DemoServer
import Foundation
import TestSupport
import Testing

/// `head`, and time stamps in an archive and in a package of evidence: the whole way, with an authority that is stock
/// openssl's.
@Suite(.enabled(if: TimeStampAuthority.isPossible, "needs openssl")) struct TimeStampTests {
    private static func with(_ body: (Stage, TimeStampAuthority) async throws -> Void) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            try await body(stage, try await TimeStampAuthority("\(stage.folder)/tsa"))
        }
    }

    /// Has an authority answer a request of the archive's, and writes the answer to `head.tsr`.
    private static func answer(_ stage: Stage, _ authority: TimeStampAuthority, refuses: Bool = false) async throws {
        _ = try await stage.run("rm -f head.tsq")
        let asked = try await stage.run("mmvault head --timestamp-request head.tsq")
        #expect(asked.code == 0, "\(asked.everything)")
        let response = try await authority.answer(Array(stage.read("head.tsq")), refuses: refuses)
        try Data(response).write(to: URL(filePath: "\(stage.folder)/head.tsr"))
    }

    @Test func timeStamp_GoesTheWholeWay() async throws {
        try await Self.with { stage, authority in
            let head = try await stage.run("mmvault head")
            let check = try await stage.run("mmvault check")
            let hash = try #require(head.lines.last?.trimmingCharacters(in: .whitespaces))
            #expect(hash.count == 64 && check.output.contains("head of the chain:\n  \(hash)\n"))
            let documents = try #require(head.lines.first?.split(separator: " ").first.flatMap { Int($0) })

            try await Self.answer(stage, authority)
            let query = try await stage.run("openssl ts -query -in head.tsq -text")
            #expect(query.output.contains("Hash Algorithm: sha256") && query.output.contains("Nonce: unspecified"))
            #expect(query.output.contains("Certificate required: yes"), "\(query.everything)")
            // The archive grows before the answer comes.
            stage.story.world.post(in: stage.story.release, by: stage.story.bob.id, message: "later")
            #expect(try await stage.run("mmvault pull").code == 0)
            let kept = try await stage.run("mmvault head --timestamp-response head.tsr")
            #expect(
                kept.code == 0 && kept.output.contains("over documents 1 to \(documents), of"),
                "\(kept.everything)")
            #expect(kept.output.contains("Example Authority"))
            let again = try await stage.run("mmvault head --timestamp-response - < head.tsr")
            #expect(again.code == 0 && again.output.contains("has this time stamp already"), "\(again.everything)")

            for (options, code, says) in [
                ("", 0, "over documents 1 to \(documents) is here"),
                ("--timestamp-ca tsa/ca.pem", 0, "documents 1 to \(documents) existed on 20"),
            ] {
                let check = try await stage.run("mmvault check \(options)")
                #expect(check.code == Int32(code), "\(check.everything)")
                #expect(check.output.replacing(/\n +/, with: " ").contains(says), "\(check.output)")
                #expect(check.output.hasSuffix("Everything is as it was received.\n"))
            }
            // Nothing trips over a document that is no JSON.
            for line in [
                "status", "pull", "pull --full", "trust", "verify \(Stage.keys)", "audit", "channels",
                "check",
            ] {
                let outcome = try await stage.run("mmvault \(line)")
                #expect([0, 2].contains(outcome.code), "\(line): \(outcome.everything)")
            }

            let exported = try await stage.run(
                "mmvault export evidence out.zip \(Stage.keys) && unzip -q out.zip -d zip")
            #expect(exported.code == 0, "\(exported.everything)")
            let package = try await stage.run("mmvault check out.zip --timestamp-ca tsa/ca.pem")
            #expect(package.code == 0, "\(package.everything)")
            #expect(package.output.contains("documents 1 to \(documents) existed on 20"), "\(package.output)")
            let unasked = try await stage.run("mmvault check out.zip")
            #expect(unasked.code == 0 && unasked.output.contains("--timestamp-ca FILE"), "\(unasked.everything)")

            // From the package's files alone, by the lines that its report shows, and by those without -attime.
            let stock = try await stage.run(
                """
                cd zip/evidence-*/; cp ../../tsa/ca.pem ..
                split -l 11 --filter=sha256sum chain.txt | cut -c1-64 > ../hashes
                for report in report.md report.html; do
                  grep -A1 '^openssl ts -verify' $report | sed 's/<.*//' > ../commands; bash ../commands 2>&1
                done
                number=$(jq -r '.documents[] | select(.kind == "time-stamp") | .document' manifest.json)
                openssl ts -verify -digest $(sed -n \(documents)p ../hashes) -in documents/$number.body -CAfile ../ca.pem 2>&1
                openssl ts -verify -digest $(sed -n 1p ../hashes) -in documents/$number.body -CAfile ../ca.pem 2>&1 |
                  grep -c 'Verification: FAILED'
                """)
            let verified = stock.lines.filter { $0 == "Verification: OK" }
            #expect(verified.count == 3 && stock.lines.last == "1", "\(stock.everything)")
        }
    }

    @Test func untrustedAuthority_IsSomethingToLookAt() async throws {
        try await Self.with { stage, authority in
            let none = try await stage.run("mmvault check --timestamp-ca tsa/ca.pem")
            #expect(none.code == 2 && none.output.contains("NOT STAMPED"), "\(none.everything)")
            let other = try await TimeStampAuthority("\(stage.folder)/other", called: "Other <b>\u{202E}\u{1B}[1m")
            try await Self.answer(stage, other)
            #expect(try await stage.run("mmvault head --timestamp-response head.tsr").code == 0)
            let exported = try await stage.run("mmvault export evidence out \(Stage.keys)")
            #expect(exported.code == 0, "\(exported.everything)")
            for what in ["", "out"] {
                let check = try await stage.run("mmvault check --timestamp-ca tsa/ca.pem \(what)")
                #expect(check.code == 2 && check.output.contains("NOT TRUSTED"), "\(check.everything)")
                #expect(!check.everything.contains("\u{202E}") && !check.everything.contains("\u{1B}"))
                #expect(check.output.contains("Everything else") || check.output.contains("except for the time stamps"))
                let trusted = try await stage.run("mmvault check --timestamp-ca other/ca.pem \(what)")
                #expect(trusted.code == 0, "\(trusted.everything)")
            }
            let report = try await stage.run("cat out/report.html out/report.md")
            #expect(!report.output.contains("\u{202E}") && !report.output.contains("Other <b>"))
            // With the certificates of both, both are trusted.
            try await Self.answer(stage, authority)
            #expect(try await stage.run("mmvault head --timestamp-response head.tsr").code == 0)
            let both = try await stage.run(
                "mmvault check --timestamp-ca other/ca.pem; cat tsa/ca.pem other/ca.pem | mmvault check --timestamp-ca -"
            )
            #expect(both.code == 0 && both.output.contains("NOT TRUSTED"), "\(both.everything)")
            // One that is not trusted takes nothing from a trusted one that covers as much; one that covers more does.
            let newest = try await stage.run("mmvault check --timestamp-ca tsa/ca.pem >/dev/null; echo $?")
            let older = try await stage.run("mmvault check --timestamp-ca other/ca.pem >/dev/null; echo $?")
            #expect(newest.output == "0\n" && older.output == "2\n", "\(newest.everything) \(older.everything)")
            // Kept only where the certificates vouch for it.
            _ = try await stage.run("mmvault pull")
            try await Self.answer(stage, other)
            let refused = try await stage.run(
                "mmvault head --timestamp-response head.tsr --timestamp-ca tsa/ca.pem")
            #expect(
                refused.code == 65 && refused.errors.contains("do not vouch for this time stamp"),
                "\(refused.everything)")
            let kept = try await stage.run("mmvault head --timestamp-response head.tsr --timestamp-ca other/ca.pem")
            #expect(kept.code == 0 && kept.output.contains("The certificates vouch for it."), "\(kept.everything)")
            for file in ["token.txt", "nowhere", "tsa/tsa.key"] {
                let check = try await stage.run("mmvault check --timestamp-ca \(file)")
                #expect(check.code == 64 && check.errors.contains("error: "), "\(check.everything)")
            }
        }
    }

    @Test func whatIsNoTimeStampOfThisArchive_IsRefused() async throws {
        try await Self.with { stage, authority in
            let before = try await stage.run("mmvault head").output
            try await Self.answer(stage, authority, refuses: true)
            let refusal = try await stage.run("mmvault head --timestamp-response head.tsr")
            #expect(refusal.code == 65 && refusal.errors.contains("status 2,"), "\(refusal.everything)")
            let foreign = try await authority.answer(
                TimeStampToken.request(for: .init(of: Array("another archive".utf8))))
            try Data(foreign).write(to: URL(filePath: "\(stage.folder)/foreign.tsr"))
            _ = try await stage.run(
                """
                mmvault head --timestamp-request again.tsq
                head -c -20 foreign.tsr > short.tsr; head -c 3000000 /dev/zero > zeros.tsr
                """)
            for (file, code, says) in [
                ("foreign.tsr", 65, "which is no head that this archive's chain has had"),
                ("short.tsr", 65, "it is no time-stamp response"), ("head.tsq", 65, "it is no time-stamp response"),
                ("zeros.tsr", 64, "too large"), ("nowhere.tsr", 64, "there is no file"),
            ] {
                let outcome = try await stage.run("mmvault head --timestamp-response \(file)")
                let errors = outcome.errors.replacing(/\n +/, with: " ")
                #expect(outcome.code == Int32(code) && errors.contains(says), "\(file): \(outcome.everything)")
                #expect(errors.hasPrefix("error: "))
            }
            let both = try await stage.run("mmvault head --timestamp-response head.tsr --timestamp-request x.tsq")
            #expect(both.code == 64, "\(both.everything)")
            let there = try await stage.run("mmvault head --timestamp-request again.tsq; cmp again.tsq head.tsq")
            #expect(there.code == 0 && there.errors.contains("exists already"), "\(there.everything)")
            #expect(try await stage.run("mmvault head").output == before)
        }
    }

    @Test func changedTimeStamp_IsDamage() async throws {
        try await Self.with { stage, authority in
            try await Self.answer(stage, authority)
            #expect(try await stage.run("mmvault head --timestamp-response head.tsr").code == 0)
            let exported = try await stage.run("mmvault export evidence out \(Stage.keys) && cp -r out good")
            #expect(exported.code == 0, "\(exported.everything)")
            let forgeries = [
                Forgery(
                    "a time stamp of something else", "it is not a time stamp of the record of document 1",
                    "restamp(b'time-stamp 1')"),
                Forgery(
                    "a time stamp whose signature is false", "it cannot be read as what its record says",
                    "restamp(None, lambda body: body[:-5] + bytes([body[-5] ^ 1]) + body[-4:])"),
                Forgery(
                    "a time stamp is left out", "(time-stamp) belongs in every package",
                    """
                    m = load('manifest.json'); n = stamp()
                    m['documents'] = [d for d in m['documents'] if d['document'] != n]; store('manifest.json', m)
                    for end in ('body', 'record'): os.remove(f'out/documents/{n}.{end}')
                    """),
            ]
            for forgery in forgeries {
                let made = try await stage.run("rm -rf out && cp -r good out")
                #expect(made.code == 0)
                let script = Forgery(forgery.testDescription, forgery.says, Self.restamp + forgery.script)
                try await script.make(stage)
                let check = try await stage.run("mmvault check out --timestamp-ca tsa/ca.pem")
                #expect(check.code == 4, "\(forgery.testDescription): \(check.everything)")
                #expect(
                    check.output.replacing(/\n +/, with: " ").contains(forgery.says),
                    "\(forgery.testDescription): \(check.everything)")
            }
        }
    }

    /// The time stamp is the last document: its record can be made anew, and the chain with it.
    private static let restamp = #"""
        def stamp(): return next(d['document'] for d in load('manifest.json')['documents'] if d['kind'] == 'time-stamp')
        def restamp(request, edit=lambda body: body):
            n = stamp(); name = f'out/documents/{n}.'; body = edit(open(name + 'body', 'rb').read())
            old = open(name + 'record', 'rb').read(); lines = old.split(b'\n')
            for i, line in enumerate(lines):
                if line.startswith(b'request ') and request: lines[i] = b'request ' + request
                if line.startswith(b'sha256 '): lines[i] = b'sha256 ' + hashlib.sha256(body).hexdigest().encode()
            new = b'\n'.join(lines); open(name + 'body', 'wb').write(body); open(name + 'record', 'wb').write(new)
            chain = open('out/chain.txt', 'rb').read(); assert chain.endswith(old)
            open('out/chain.txt', 'wb').write(chain[:-len(old)] + new)
            m = load('manifest.json'); m['archive']['head'] = hashlib.sha256(new).hexdigest(); store('manifest.json', m)

        """#
}
