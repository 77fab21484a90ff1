import Foundation
import Testing

/// Zips that are no exports, or that somebody made to do harm: each is told of, and nothing of it is kept.
@Suite struct HostileZipTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        /// Python that makes `x.zip`; `good` holds the lines of an export, `z` is a zip to write to.
        let script: String
        /// What the error says.
        let says: String
        var options = ""
        var testDescription: String { name }

        init(_ name: String, _ says: String, _ script: String) {
            (self.name, self.script, self.says) = (name, script, says)
        }

        /// Of a legal hold whose secret is at hand.
        static func sealed(_ name: String, _ says: String, _ script: String) -> Case {
            var result = Case("\(name), with the secret", says, script)
            result.options = "--hold-secret-file secret.txt"
            return result
        }
    }

    static let cases = [
        Case("no zip", "not a zip file", "z.close(); open('x.zip', 'w').write('hello')"),
        Case("empty file", "not a zip file", "z.close(); open('x.zip', 'w').close()"),
        Case("empty zip", "neither an import.jsonl", "pass"),
        Case("path traversal", "leads out of the zip", "z.writestr('../../etc/cron.d/x', 'x'); add(good)"),
        Case("absolute path", "leads out of the zip", "z.writestr('/etc/x', 'x'); add(good)"),
        Case("control characters in a name", "leads out of the zip", "z.writestr('a\\x1b[2Jb', 'x'); add(good)"),
        Case("twice", "holds it twice", "add(good); add(good)"),
        Case(
            "nested", "unpack this one",
            "add(good); z.close(); z = zipfile.ZipFile('y.zip', 'w'); z.write('x.zip'); z.close(); os.rename('y.zip', 'x.zip')"
        ),
        Case(
            "encrypted", "is encrypted",
            "z.close(); os.remove('x.zip'); open('import.jsonl', 'wb').write(good); os.system('zip -q -P pw x.zip import.jsonl')"
        ),
        Case(
            "truncated in the data", "in the zip: it is damaged",
            "add(good * 500); z.close(); d = open('x.zip', 'rb').read(); open('x.zip', 'wb').write(d[:len(d) // 2])"),
        Case(
            "truncated in the list of files", "its end is missing",
            "add(good); z.close(); d = open('x.zip', 'rb').read(); open('x.zip', 'wb').write(d[:-10])"),
        Case(
            "something behind it", "its end is missing",
            "add(good); z.close(); open('x.zip', 'ab').write(b'more')"),
        Case(
            "files that are not listed", "its list of files is not that",
            "add(good); z.close(); d = bytearray(open('x.zip', 'rb').read()); d[-12] = 7; open('x.zip', 'wb').write(d)"),
        Case(
            "bit flipped", "damaged",
            "add(good); z.close(); d = bytearray(open('x.zip', 'rb').read()); d[60] ^= 4; open('x.zip', 'wb').write(d)"),
        Case(
            "bit flipped in what is stored", "CRC",
            "z.writestr('import.jsonl', good, zipfile.ZIP_STORED); z.close(); d = bytearray(open('x.zip', 'rb').read()); "
                + "d[d.index(b'Hello')] ^= 1; open('x.zip', 'wb').write(d)"),
        Case("bomb", "times its size", "z.writestr('data/zeros', bytes(200 << 20)); add(good)"),
        Case("line without end", "longer than 64 MiB", "add(good + b'[' + os.urandom(1 << 20).hex().encode() * 40)"),
        Case(
            "symbolic link", "not valid JSON",
            "i = zipfile.ZipInfo('import.jsonl'); i.create_system = 3; i.external_attr = 0o120777 << 16; z.writestr(i, '/etc/passwd')"
        ),
        Case("invalid UTF-8", "invalid UTF-8", "add(good.replace(b'Hello', b'Hel\\xff\\xfe'))"),
        Case("no JSON", "line 3: not valid JSON", "add(good + b'{')"),
        Case("no object", "line 3: it has no type", "add(good + b'[]')"),
        Case("another type", "another type", #"add(good.replace(b'"Hello"', b'7'))"#),
        Case("props of another type", "another type", #"add(good.replace(b'"props":{}', b'"props":[]'))"#),
        Case(
            "replies of another type", "holds something else",
            #"add(good.replace(b'"replies":[]', b'"replies":["x"]'))"#),
        Case("no time", "has no create_at", "add(good.replace(b'1741000000000', b'0'))"),
        Case("a time that is none", "is no time", "add(good.replace(b'1741000000000', b'99999999999999999999'))"),
        Case("no author", "has no user", #"add(good.replace(b'"bob"', b'""'))"#),
        Case("nested too deep", "nested too deep", "add(good + b'[' * 100000)"),
        Case("two kinds", "different kinds", "add(good); hold(columns + row)"),
        Case("hold without index", "no index.json", "hold(columns + row, index=None)"),
        Case("open quotation mark", "within quotation marks", #"hold(columns + row.replace('hello', '"hello'))"#),
        Case("quotation mark in a field", "RFC 4180", #"hold(columns + row.replace('hello', 'hel""lo'))"#),
        Case("text behind quotation marks", "RFC 4180", #"hold(columns + row.replace('hello', '"hel"lo'))"#),
        Case("bare carriage return", "RFC 4180", "hold(columns + row.replace('hello', 'hel\\rlo'))"),
        Case("a column too many", "21 columns", "hold(columns + row.replace('hello', 'hel,lo'))"),
        Case("no such column", "no column PostProps", "hold(columns.replace('PostProps', 'Props') + row)"),
        Case("a column twice", "a column twice", "hold(columns.replace('IsBot', 'PostId') + row)"),
        Case("no id", "PostId is no id", "hold(columns + row.replace('p' * 26, 'p' * 25))"),
        Case("an import's id", "PostId is no id", "hold(columns + row.replace('p' * 26, 'import-' + '0' * 24))"),
        Case("props that are no JSON", "PostProps is not JSON", "hold(columns + row.replace('{}', '{'))"),
        Case("a file of a bulk export twice", "holds it twice", "add(good); [z.writestr('data/a', c) for c in 'xy']"),
        Case(
            "twice by two spellings", "holds it twice",
            "add(good); z.writestr('data/./a', 'x'); z.writestr('data/a', 'y')"),
        Case("hold without posts", "has no posts", "z.writestr('legal_hold/x_y/index.json', '{}')"),
        Case("hold without a row", "has no posts", "hold(columns)"),
        Case("hold with an empty table", "has no posts", "hold('')"),
        Case(
            "a hold's file twice", "holds it twice",
            "z.writestr(filed, 'EVIL'); hold(columns + row); z.writestr(filed, 'good')"),
        .sealed(
            "a file twice, the genuine one last", "holds it twice", "z.writestr(filed, 'EVIL'); seal({filed: 'good'})"),
        .sealed(
            "a file twice, the genuine one first", "holds it twice", "seal({filed: 'good'}); z.writestr(filed, 'EVIL')"),
        .sealed(
            "a file that was changed", "a.txt in the zip: it does not have the hash",
            "seal({filed: 'EVIL'}, {filed: 'good'})"),
        .sealed(
            "a file that is not listed", "a.txt in the zip: hashes.json does not list it", "seal({filed: 'EVIL'}, {})"),
        .sealed(
            "a file that was moved", "hashes.json does not list it",
            "seal({filed.replace('files-1', 'files-2'): 'good'}, {filed: 'good'})"),
        .sealed(
            "a changed file that is listed by its place on the server", "does not have the hash",
            "seal({filed: 'EVIL'}, {stored: 'good'})"),
        .sealed(
            "a file that may be either of two on the server", "hashes.json does not list it",
            "seal({filed: 'EVIL'}, {stored: 'good', stored.replace('2025', '2024'): 'EVIL'})"),
        .sealed(
            "a table that is not listed", ".csv in the zip: hashes.json does not list it", "seal({}, {}, lacks=table)"),
        .sealed("a table that is missing", "it is missing", "seal({}, {table.replace('-x', '-y'): 'x'})"),
        .sealed(
            "a hash that is listed twice", "lists x twice",
            #"hold(columns + row); z.writestr(listing, '{"x":"","x":""}')"#),
        .sealed("two lists of hashes", "several hashes.json", "seal({}); z.writestr('hashes.json', '{}')"),
        .sealed("no list of hashes", "no hashes.json", "hold(columns + row)"),
        Case("a hold's invalid UTF-8", "UTF-8", "hold((columns + row).encode().replace(b'hello', b'hel\\xffo'))"),
    ]

    private static let preamble = """
        import zipfile, os, hmac, json
        good = b'{"type":"version","version":1}\\n{"type":"post","post":{"team":"t","channel":"c","user":"bob","message":"Hello","props":{},"create_at":1741000000000,"replies":[]}}\\n'
        columns = '\(ExportedStory.columns.dropLast())\\n'
        row = 't,T,c,C,O,bob,,,' + 'p' * 26 + ',1741000000000,1741000000000,0,,,hello,,{},,[],false\\n'
        z = zipfile.ZipFile('x.zip', 'w', zipfile.ZIP_DEFLATED)
        def add(lines): z.writestr('import.jsonl', lines)
        def hold(rows, index='{"users":{},"teams":[]}'):
            z.writestr('legal_hold/x_y/' + 'c' * 26 + '/messages/messages-1-x.csv', rows)
            if index: z.writestr('legal_hold/x_y/index.json', index)
        table = 'legal_hold/x_y/' + 'c' * 26 + '/messages/messages-1-x.csv'
        filed = 'legal_hold/x_y/' + 'c' * 26 + '/files/files-1-' + 'p' * 26 + '/' + 'f' * 26 + '/a.txt'
        stored = '20250303/teams/t/channels/c/users/u/' + 'f' * 26 + '/a.txt'
        listing = 'legal_hold/x_y/hashes.json'
        def mac(text): return hmac.new(b'\(Stage.holdSecret)', text.encode(), 'sha512').hexdigest()
        def seal(files, listed=None, lacks=''):
            rows = columns + row.replace('[]', '"[""' + 'f' * 26 + '""]"')
            hold(rows)
            for name, content in files.items(): z.writestr(name, content)
            hashes = {table: mac(rows), 'legal_hold/x_y/index.json': mac('{"users":{},"teams":[]}')}
            hashes.update({n: mac(c) for n, c in (files if listed is None else listed).items()})
            hashes.pop(lacks, None)
            z.writestr(listing, json.dumps(hashes))

        """

    @Test(arguments: cases)
    func hostileZip_IsToldOfAndChangesNothing(_ hostile: Case) async throws {
        try await Stage.with { stage in
            // Where there is no session, nothing must be pulled first.
            _ = try await stage.run("mmvault login $URL --token-file token.txt; rm vault/*/session.json")
            try stage.write("secret.txt", Stage.holdSecret + "\n")
            let before = try await stage.run("mmvault check").output
            try await stage.python(HostileZipTests.preamble + hostile.script + "\nz.close()\n")
            let outcome = try await stage.run("mmvault import x.zip \(hostile.options)")
            #expect(outcome.code == 65, "\(outcome.everything)")
            #expect(outcome.errors.replacing("\n       ", with: " ").contains(hostile.says), "\(outcome.errors)")
            #expect(outcome.errors.contains("nothing was added") && outcome.output.isEmpty)
            #expect(!outcome.errors.contains("\u{1B}"))
            #expect(try await stage.run("mmvault check").output == before)
            // Nor is an account made for it.
            #expect(try await stage.run("mmvault import x.zip --as bob --vault alone \(hostile.options)").code == 65)
            #expect(stage.paths(below: "alone").isEmpty)
        }
    }

    /// What the cases above are made from is well by itself.
    @Test(arguments: ["add(good)", "hold(columns + row)", "hold(columns + row.replace('\\n', '\\r\\n'))"])
    func harmlessZip_IsTaken(script: String) async throws {
        try await Stage.with { stage in
            try await stage.python(HostileZipTests.preamble + script + "\nz.close()\n")
            let outcome = try await stage.run("mmvault import x.zip --as bob")
            #expect(outcome.code == 0 && outcome.output.contains("  1 added"), "\(outcome.everything)")
            #expect(try await stage.run("mmvault check").code == 0)
        }
    }

    /// The plugin lists a file by its path in the hold; earlier versions of it did by where the server stores the file.
    @Test(arguments: ["{filed: 'good'}", "{stored: 'good'}", "{filed: 'good', stored: 'good'}"])
    func fileOfAHold_IsHeldAgainstItsHash(listed: String) async throws {
        try await Stage.with { stage in
            try stage.write("secret.txt", Stage.holdSecret + "\n")
            try await stage.python(
                HostileZipTests.preamble + "seal({filed: 'good'}, \(listed))\nz.writestr('read.me', 'x')\nz.close()\n")
            let outcome = try await stage.run("mmvault import x.zip --as bob --hold-secret-file secret.txt")
            #expect(
                outcome.code == 0 && outcome.output.contains("the hashes of 3 files are as"), "\(outcome.everything)")
            #expect(outcome.output.contains("1 file of posts, ") && !outcome.output.contains("missing"))
            #expect(outcome.output.contains("1 file without a hash, and not taken"))
        }
    }

    @Test func fileThatAHoldListsAndTheZipDoesNotHave_IsNamed() async throws {
        try await Stage.with { stage in
            try stage.write("secret.txt", Stage.holdSecret + "\n")
            let many = "{f'legal_hold/x_y/{n:02}\\x1b': 'x' for n in range(30)}"
            for (listed, names) in [
                ("{filed: 'good'}", ["/a.txt\n"]), (many, ["x_y/00", "x_y/19", "    and 10 more\n"]),
            ] {
                try await stage.python(HostileZipTests.preamble + "seal({}, \(listed))\nz.close()\n")
                let outcome = try await stage.run(
                    "rm -rf vault; mmvault import x.zip --as bob --hold-secret-file secret.txt")
                #expect(outcome.code == 0 && outcome.output.contains("listed in hashes.json and missing in the zip:\n"))
                for name in names { #expect(outcome.output.contains(name), "\(outcome.everything)") }
                #expect(!outcome.output.contains("x_y/20") && !outcome.output.contains("\u{1B}"))
            }
        }
    }

    @Test func limits_CanBeRaised() async throws {
        try await Stage.with { stage in
            let bomb = try #require(HostileZipTests.cases.first { $0.name == "bomb" })
            try await stage.python(HostileZipTests.preamble + bomb.script + "\nz.close()\n")
            let refused = try await stage.run("mmvault import x.zip --as bob")
            #expect(refused.code == 65 && refused.errors.contains("--max-size GIB"))
            #expect(try await stage.run("mmvault import x.zip --as bob --max-size 1").code == 0)
        }
    }
}
