import DemoServer
import Foundation
import Testing

/// Packages that were damaged, or changed by somebody who knows how they are made: `check` finds it, and names it.
@Suite struct EvidenceDamageTests {
    /// A signed package of all there is, in the folder `out`, with a file and an unverified post.
    private static func with(_ body: (Stage) async throws -> Void) async throws {
        let story = Story()
        let file = Attachment(name: "plan.txt", content: Array("the plan\n".utf8))
        story.world.post(in: story.square, by: story.bob.id, message: "with a file", files: [file])
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            // By another name before: what an older document says is no longer so.
            story.world.rename(story.bob.id, firstName: "Bobby")
            guard try await stage.run("mmvault pull").code == 0 else { throw StageError(what: "the second pull") }
            let outcome = try await stage.run(
                "mmvault export evidence out \(EvidenceTests.choice) && mmvault check out && cp -r out good")
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

    struct Forgery: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What `check` says, without the wrapping of lines.
        let says: String
        /// Python that changes the package; the hashes are made anew behind it.
        let script: String

        init(_ name: String, _ says: String, _ script: String) {
            (testDescription, self.says, self.script) = (name, says, script)
        }
    }

    static let forgeries = [
        Forgery(
            "a verdict", "verdict: authenticity",
            "lines('verdicts.jsonl', lambda v: v['authenticity'] == 'signatureInvalid', authenticity='verified')"),
        Forgery(
            "a verdict in the posts", "authenticity",
            "lines('posts/posts.jsonl', lambda v: v['authenticity'] == 'signatureInvalid', authenticity='verified')"),
        Forgery(
            "the text of a plain post", "(text)",
            "lines('posts/posts.jsonl', lambda p: p['content'] == 'plain', text='I never said that')"),
        Forgery(
            "the text of an encrypted post", "(text)",
            "lines('posts/posts.jsonl', lambda p: p['text'] == 'I know.', text='I own it')"),
        Forgery(
            "an author", "user_id",
            "lines('posts/posts.jsonl', lambda p: p['content'] == 'decrypted', user_id='x' * 26)"),
        Forgery("a time", "create_at", "lines('posts/posts.jsonl', lambda p: True, create_at=1741000000001)"),
        Forgery("a channel", "channel_id", "lines('posts/posts.jsonl', lambda p: True, channel_id='x' * 26)"),
        Forgery(
            "a message's key", "text", "lines('verdicts.jsonl', lambda v: v['message_key'], message_key='0' * 32)"),
        Forgery(
            "no key of a message", "the key that opens it is missing",
            "lines('verdicts.jsonl', lambda v: v['message_key'], message_key=None)"),
        Forgery(
            "a place", "no post stands there", "lines('verdicts.jsonl', lambda v: True, start=0)"),
        Forgery(
            "a deletion", "it is not live as the document has it",
            "lines('verdicts.jsonl', lambda v: v['state'] == 'deleted', state='live')"),
        Forgery(
            "a post is left out", "another number of posts was chosen",
            "[drop(name, 0) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
        Forgery(
            "what is disclosed", "something else of what the documents disclose",
            "m = load('manifest.json'); m['discloses']['posts'] += 1; store('manifest.json', m)"),
        Forgery(
            "a verdict is left out", "it cannot be read, or its line", "drop('verdicts.jsonl', -1)"),
        Forgery(
            "posts in another order", "another one|out of their order|make of it",
            "[reverse(name) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
        Forgery(
            "a document's body", "it is not the body that its record states",
            "change(body(b'coffee machine'), b'coffee machine', b'toffee machine')"),
        Forgery(
            "a document and its record", "it is not the record that stands in chain.txt",
            "change(body(b'coffee machine'), b'coffee machine', b'toffee machine'); rehash(body(b'toffee machine'))"),
        Forgery(
            "a document, its record and the chain's", "does not name the hash of the one before it",
            """
            name = body(b'coffee machine'); old = open('out/' + name.replace('body', 'record'), 'rb').read()
            change(name, b'coffee machine', b'toffee machine'); rehash(name)
            change('chain.txt', old, open('out/' + name.replace('body', 'record'), 'rb').read())
            """),
        Forgery(
            "the head", "another head than manifest.json states",
            "m = load('manifest.json'); m['archive']['head'] = '0' * 64; store('manifest.json', m)"),
        Forgery(
            "the chain's end is missing", "another head",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[:-11])"),
        Forgery(
            "two records swapped", "what should be the record",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[11:22] + d[:11] + d[22:])"
        ),
        Forgery(
            "a document about keys is left out", "is about users, keys or decisions (keys), and is not in the package",
            """
            m = load('manifest.json')
            for d in [d for d in m['documents'] if b'\\nkind keys\\n' in open('out/documents/%d.record' % d['document'], 'rb').read()]:
                m['documents'].remove(d)
                for ending in ('record', 'body'): os.remove('out/documents/%d.%s' % (d['document'], ending))
            store('manifest.json', m)
            """),
        Forgery(
            "a key", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'][0]['sign'] = k['users'][1]['keys'][0]['sign']; store('keys.json', k)"
        ),
        Forgery(
            "whose a key is", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'], k['users'][1]['keys'] = k['users'][1]['keys'], k['users'][0]['keys']; store('keys.json', k)"
        ),
        Forgery(
            "since when a key is known", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'][0]['first_seen'] = '2020-01-01T00:00:00.000Z'; store('keys.json', k)"
        ),
        Forgery(
            "a decision", "are not those that the documents state",
            """
            k = load('keys.json'); key = k['users'][0]['keys'][0]
            store('trust.json', [{'at': '2025-01-01T00:00:00.000Z', 'username': 'x', 'statement': {'user_id':
              k['users'][0]['user_id'], 'decision': 'confirmed', 'decided': '2025-01-01T00:00:00.000Z', 'key_id': key['key_id'], 'sign': key['sign'], 'encr': key['encr']}}])
            """),
        Forgery(
            "a name", "is not described so",
            "m = load('manifest.json'); [u.update(first_name='Mallory') for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "a name that no document is said to give", "is described otherwise in document",
            "m = load('manifest.json'); [u.update(username='mallory', first_name='Mallory', document=None) for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "a name of an earlier time", "is described otherwise in document",
            "m = load('manifest.json'); first = min(d['document'] for d in m['documents'] if d['kind'] == 'users'); [u.update(first_name='Bob', document=first) for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "nobody is named", "it leaves out how the documents describe user",
            "m = load('manifest.json'); m['users'] = []; store('manifest.json', m)"),
        Forgery(
            "a document that describes users is left out", "is about users, keys or decisions (users)",
            """
            m = load('manifest.json')
            for d in [d for d in m['documents'] if d['kind'] == 'users']:
                m['documents'].remove(d)
                for ending in ('record', 'body'): os.remove('out/documents/%d.%s' % (d['document'], ending))
            m['users'] = []; store('manifest.json', m)
            """),
        Forgery(
            "the account", "the account is not the one of document 1",
            "m = load('manifest.json'); m['account']['username'] = 'mallory'; store('manifest.json', m)"),
        Forgery(
            "a channel that is said to hold no encrypted posts", "says that no post of its channel is",
            "m = load('manifest.json'); [c.update(has_encrypted_posts=False) for c in m['channels']]; store('manifest.json', m)"
        ),
        Forgery(
            "counts", "make of it",
            "m = load('manifest.json'); m['counts']['withheld'] = 0; store('manifest.json', m)"),
        Forgery("the report", "report.html: it is not what", "change('report.html', b'signatureInvalid', b'verified')"),
        Forgery("the report as Markdown", "report.md: it is not what", "change('report.md', b'withheld', b'verified')"),
        Forgery(
            "a channel's file", "town-square.md: it is not what",
            "change('posts/markdown/harbour/town-square.md', b'coffee', b'toffee')"),
        Forgery(
            "a mailbox", "town-square.mbox: it is not what",
            "change('posts/mbox/harbour/town-square.mbox', b'coffee', b'toffee')"),
        Forgery("the README", "README.txt: it is not what", "change('README.txt', b'messages', b'massages')"),
        Forgery(
            "an attached file", "is missing, or another one",
            "[change(n, b'the plan', b'thy plan') for n in names() if n.startswith('files/')]"),
        Forgery(
            "an attached file and its hash", "is not the one that the archive recorded",
            """
            n = [n for n in names() if n.startswith('files/')][0]; change(n, b'the plan', b'thy plan')
            p = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            for post in p:
                for f in post['files']: f['sha256'] = hashlib.sha256(open('out/' + n, 'rb').read()).hexdigest()
            open('out/posts/posts.jsonl', 'w').writelines(json.dumps(x, separators=(',', ':'), ensure_ascii=False) + '\\n' for x in p)
            """),
        Forgery(
            "a file more", "nothing in the package accounts for it", "open('out/more.txt', 'w').write('believe me')"),
        Forgery(
            "a file of posts is missing", "it is missing", "os.remove('out/posts/markdown/harbour/release.md')"),
        Forgery(
            "other documents are said to be there", "it has no place in the chain",
            "m = load('manifest.json'); m['documents'][0]['document'] = 9999; store('manifest.json', m)"),
        Forgery(
            "what a document discloses", "says something else of document",
            "m = load('manifest.json'); [d.update(posts=d['posts'] + 1) for d in m['documents'] if d['posts']]; store('manifest.json', m)"
        ),
    ]

    private static let preamble = #"""
        import hashlib, json, os, re
        def names(): return sorted(os.path.relpath(os.path.join(d, f), 'out') for d, _, fs in os.walk('out') for f in fs)
        def load(name): return json.load(open('out/' + name))
        def dump(value): return json.dumps(value, separators=(',', ':'), ensure_ascii=False)
        def store(name, value): open('out/' + name, 'w').write(dump(value) + '\n')
        def lines(name, chosen, **change):
            rows = [json.loads(line) for line in open('out/' + name)]
            row = next(row for row in rows if chosen(row)); row.update(change)
            open('out/' + name, 'w').writelines(dump(row) + '\n' for row in rows)
        def drop(name, place):
            rows = open('out/' + name).readlines(); del rows[place]; open('out/' + name, 'w').writelines(rows)
        def reverse(name):
            rows = open('out/' + name).readlines(); open('out/' + name, 'w').writelines(reversed(rows))
        def change(name, old, new):
            data = open('out/' + name, 'rb').read(); assert old in data, name
            open('out/' + name, 'wb').write(data.replace(old, new, 1))
        def body(text): return next(n for n in names() if n.endswith('.body') and text in open('out/' + n, 'rb').read())
        def rehash(name):
            digest = hashlib.sha256(open('out/' + name, 'rb').read()).hexdigest(); record = 'out/' + name.replace('body', 'record')
            text = re.sub('(?m)^sha256 .*$', 'sha256 ' + digest, open(record).read()); open(record, 'w').write(text)

        """#

    private static let sums = #"""

        with open('out/SHA256SUMS', 'w') as sums:
            for name in sorted(names(), key=os.fsencode):
                if name != 'SHA256SUMS': sums.write(hashlib.sha256(open('out/' + name, 'rb').read()).hexdigest() + '  ' + name + '\n')

        """#

    @Test func forgery_IsFoundThoughAllHashesFit() async throws {
        try await Self.with { stage in
            for forgery in Self.forgeries {
                _ = try await stage.run("rm -rf out; cp -r good out")
                try await stage.python(Self.preamble + forgery.script + Self.sums)
                #expect(try await stage.run("cd out; sha256sum --quiet -c SHA256SUMS").code == 0)
                let check = try await stage.run("mmvault check out")
                #expect(check.code == 4, "\(forgery.testDescription): \(check.everything)")
                let said = check.output.replacing(/\n +/, with: " ")
                let wanted = forgery.says.split(separator: "|")
                #expect(wanted.contains { said.contains($0) }, "\(forgery.testDescription): \(check.output)")
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
                "mmvault --vault imported export evidence out \(EvidenceTests.choice) && mmvault check out && cp -r out good"
            )
            #expect(outcome.code == 0, "\(outcome.everything)")
            let forgeries = [
                ("u.update(first_name='Mallory')", "is not described so"),
                ("u.update(first_name='Mallory', document=None)", "is described otherwise in document"),
            ]
            for (change, says) in forgeries {
                _ = try await stage.run("rm -rf out; cp -r good out")
                try await stage.python(
                    Self.preamble
                        + "m = load('manifest.json'); u = [u for u in m['users'] if u['id'].startswith('import-')][0]; "
                        + change + "; store('manifest.json', m)" + Self.sums)
                let check = try await stage.run("mmvault check out")
                #expect(check.code == 4, "\(check.everything)")
                #expect(check.output.replacing(/\n +/, with: " ").contains(says), "\(check.output)")
            }
        }
    }

    /// What nothing changed passes, made anew in the same way.
    @Test func untouchedPackage_PassesWithHashesMadeAnew() async throws {
        try await Self.with { stage in
            try await stage.python(Self.preamble + Self.sums)
            #expect(try await stage.run("mmvault check out").code == 0)
        }
    }

    @Test func packageOfAnotherVersion_IsNotComparedAndThatIsSaid() async throws {
        try await Self.with { stage in
            try await stage.python(
                Self.preamble
                    + "m = load('manifest.json'); m['program'] = 'mmvault 9.9'; store('manifest.json', m)"
                    + Self.sums)
            let check = try await stage.run("mmvault check out")
            #expect(
                check.code == 2 && check.errors.contains("report.html") && check.errors.contains("9.9"),
                "\(check.everything)")
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
            _ = try await stage.run("mmvault export evidence out --sign alice \(EvidenceTests.choice)")
            let stranger = try await stage.run("mkdir -m 700 empty; GNUPGHOME=$PWD/empty mmvault check out")
            #expect(
                stranger.code == 2 && stranger.output.contains("gpg does not know the key"), "\(stranger.everything)")
            let without = try await stage.run(
                "mkdir few; ln -s $(readlink -f bin/mmvault) few/mmvault; PATH=$PWD/few mmvault check out")
            #expect(without.code == 2 && without.output.contains("there is no gpg"), "\(without.everything)")
            // Somebody who writes a time into SHA256SUMS, so to speak: another order of its lines.
            let bad = try await stage.run("tac out/SHA256SUMS > s; cat s > out/SHA256SUMS; mmvault check out")
            #expect(bad.code == 4 && bad.output.contains("signature: BAD"), "\(bad.everything)")
        }
    }

    struct Hostile: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let name: String
        let code: Int32
        let says: String
        let script: String

        init(_ description: String, _ name: String, _ code: Int32, _ says: String, _ script: String) {
            (testDescription, self.name, self.code, self.says, self.script) = (description, name, code, says, script)
        }
    }

    static let hostiles = [
        Hostile("no zip", "x.zip", 65, "is not a zip file", "open('x.zip', 'w').write('hello')"),
        Hostile("no tar", "x.tar.zst", 65, "is not a tar.zst file", "open('x.tar.zst', 'w').write('hello')"),
        Hostile("no package", "x.zip", 65, "holds no package", "z = Z(); z.writestr('hello.txt', 'hello'); z.close()"),
        Hostile("a folder of other things", "x", 65, "holds no package", "os.mkdir('x'); os.symlink('/etc', 'x/etc')"),
        Hostile("no file", "nosuch.zip", 64, "there is no file nosuch.zip", ""),
        Hostile("no folder", "nosuchdir", 64, "there is no file nosuchdir", ""),
        Hostile("no manifest", "good", 4, "manifest.json", "os.remove('good/manifest.json')"),
        Hostile(
            "neither manifest nor hashes", "good", 4, "SHA256SUMS: it is missing",
            "os.remove('good/manifest.json'); os.remove('good/SHA256SUMS')"),
        Hostile(
            "a manifest that is none", "good", 4, "manifest.json",
            "open('good/manifest.json', 'w').write('{\"mmvault_export\":1,\"format\":\"jsonl\"}')"),
        Hostile("another ending", "x.rar", 65, "neither a folder nor", "open('x.rar', 'w').write('hello')"),
        Hostile("empty folder", "x", 65, "holds no package", "os.mkdir('x')"),
        Hostile(
            "path traversal", "x.zip", 4, "leads out of the zip",
            "z = Z(); fill(z); z.writestr('../../tmp/x', 'x'); z.close()"),
        Hostile("the same name twice", "x.zip", 4, "holds it twice", "z = Z(); fill(z); fill(z); z.close()"),
        Hostile(
            "a link in a zip", "x.zip", 4, "does not list it",
            "z = Z(); fill(z); i = zipfile.ZipInfo('chain.txt.link'); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '/etc/passwd'); z.close()"
        ),
        Hostile(
            "a bomb", "x.zip", 4, "times its size",
            "z = Z(); z.writestr('files/zeros', bytes(200 << 20)); fill(z); z.close()"),
        Hostile(
            "a cut zip", "x.zip", 4, "its end is missing",
            "z = Z(); fill(z); z.close(); d = open('x.zip', 'rb').read(); open('x.zip', 'wb').write(d[:-100])"),
        Hostile(
            "two lists of files", "x.zip", 4, "its list of files is not that",
            """
            z = Z(); fill(z); z.close(); d = open('x.zip', 'rb').read(); end = d.rfind(b'PK\\5\\6')
            start = int.from_bytes(d[end + 16:end + 20], 'little'); z = zipfile.ZipFile('y.zip', 'w')
            z.writestr('report.md', 'forged'); z.close(); y = open('y.zip', 'rb').read()
            # What unzip goes by, behind what a reader from the beginning stops at.
            body = y[:y.find(b'PK\\1\\2')]; old = d[start:end]; at = old.find(b'report.md') - 46
            new = old[:at] + y[y.find(b'PK\\1\\2'):y.rfind(b'PK\\5\\6')] + old[at + 46 + len('report.md'):]
            field = at + 42; new = new[:field] + end.to_bytes(4, 'little') + new[field + 4:]
            tail = bytearray(d[end:]); tail[12:16] = len(new).to_bytes(4, 'little'); tail[16:20] = (end + len(body)).to_bytes(4, 'little')
            open('x.zip', 'wb').write(d[:end] + body + new + tail); os.remove('y.zip')
            assert zipfile.ZipFile('x.zip').read('report.md') == b'forged'
            """),
        Hostile(
            "a link in a tar", "x.tar.zst", 4, "is a link", "os.symlink('/etc/passwd', 'good/link'); tar()"),
        Hostile(
            "a path out of a tar", "x.tar.zst", 4, "leads out of",
            "tar('--transform', 's,^README.txt,../README.txt,', '-P')"),
        Hostile(
            "a bomb in a tar", "x.tar.zst", 4, "times its size",
            "open('good/zeros', 'wb').truncate(200 << 20); tar()"),
        Hostile(
            "a cut tar", "x.tar.zst", 4, "Truncated",
            "tar(); d = open('x.tar.zst', 'rb').read(); open('x.tar.zst', 'wb').write(d[:-100])"),
        Hostile(
            "something behind a tar", "x.tar.zst", 4, "it is damaged", "tar(); open('x.tar.zst', 'ab').write(b'more')"),
        Hostile("a link in a folder", "good", 4, "it is a link", "os.symlink('/etc/passwd', 'good/link')"),
        Hostile("a link to a folder", "good", 4, "it is a link", "os.symlink('/', 'good/link')"),
        Hostile("a pipe in a folder", "good", 4, "it is a device", "os.mkfifo('good/pipe')"),
        Hostile(
            "a name with an escape sequence", "good", 4, "does not list it", "open('good/a\\x1b[2Jb', 'w').write('x')"),
    ]

    private static let hostilePreamble = """
        import os, subprocess, zipfile
        def Z(): return zipfile.ZipFile('x.zip', 'w', zipfile.ZIP_DEFLATED)
        def fill(z):
            for d, _, fs in os.walk('good'):
                for f in fs: z.write(os.path.join(d, f), os.path.relpath(os.path.join(d, f), 'good'))
        def tar(*options):
            names = sorted(os.listdir('good'))
            subprocess.run(['tar', '--zstd', '-cf', 'x.tar.zst', '-C', 'good', *options, *names], check=True)

        """

    @Test(arguments: hostiles)
    func hostilePackage_IsRefusedAndNamed(_ hostile: Hostile) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            _ = try await stage.run("mmvault export evidence good \(EvidenceTests.choice)")
            try await stage.python(Self.hostilePreamble + hostile.script)
            let before = stage.paths(below: ".")
            let check = try await stage.run("mmvault check \(hostile.name)")
            #expect(check.code == hostile.code, "\(check.everything)")
            #expect(check.everything.replacing(/\n +/, with: " ").contains(hostile.says), "\(check.everything)")
            #expect(!check.everything.contains("\u{1B}"))
            #expect(stage.paths(below: ".") == before)
        }
    }

    @Test(arguments: ["jsonl", "markdown", "mbox"])
    func anotherExport_IsNoPackage(format: String) async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let check = try await stage.run("mmvault export \(format) out && mmvault check out")
            #expect(check.code == 65 && !check.everything.contains("DAMAGED"), "\(check.everything)")
            #expect(check.errors.contains("it is an export (\(format))"), "\(check.errors)")
            #expect(try await stage.run("cd out && sha256sum --quiet -c SHA256SUMS").code == 0)
        }
    }

    /// Packed by other tools, in another order, a package is the same package.
    @Test func packageThatWasPackedAgain_Passes() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            _ = try await stage.run("mmvault export evidence good \(EvidenceTests.choice)")
            try await stage.python(Self.hostilePreamble + "z = Z(); fill(z); z.close(); tar()")
            // Whoever packs the folder that they unpacked is told what to do.
            for line in ["tar --zstd -cf y.tar.zst good/", "python3 -m zipfile -c y.zip good"] {
                let name = String(line.split(separator: " ").first { $0.hasPrefix("y.") } ?? "")
                let check = try await stage.run("\(line) && mmvault check \(name)")
                #expect(
                    check.code == 65 && check.errors.contains("the package is in its folder good"),
                    "\(check.everything)")
                #expect(check.errors.contains("unpack it, and check that folder"), "\(check.errors)")
            }
            for name in ["x.zip", "x.tar.zst"] {
                let check = try await stage.run("mmvault check \(name)")
                #expect(check.code == 0, "\(check.everything)")
            }
        }
    }
}
