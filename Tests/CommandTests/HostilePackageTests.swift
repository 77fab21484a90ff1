import Testing

/// What passes for a package and is none, or would do harm where it is read: `check` says what it is.
@Suite struct HostilePackageTests {
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

    private static let preamble = """
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
            _ = try await stage.run("mmvault export evidence good \(Stage.keys)")
            try await stage.python(Self.preamble + hostile.script)
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
            _ = try await stage.run("mmvault export evidence good \(Stage.keys)")
            try await stage.python(Self.preamble + "z = Z(); fill(z); z.close(); tar()")
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
