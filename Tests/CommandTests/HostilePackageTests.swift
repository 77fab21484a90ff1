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
            "a link in a zip", "x.zip", 4, "not packed as mmvault packs",
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
            "a link in a tar", "x.tar.zst", 4, "not packed as mmvault packs",
            "os.symlink('/etc/passwd', 'good/link'); tar()"),
        Hostile(
            "a path out of a tar", "x.tar.zst", 4, "leads out of",
            "tar('--transform', 's,^README.txt,../README.txt,', '-P')"),
        Hostile(
            "a bomb in a tar", "x.tar.zst", 4, "not packed as mmvault packs",
            "open('good/zeros', 'wb').truncate(200 << 20); tar()"),
        Hostile(
            "a cut tar", "x.tar.zst", 4, "not packed as mmvault packs",
            "tar(); d = open('x.tar.zst', 'rb').read(); open('x.tar.zst', 'wb').write(d[:-100])"),
        Hostile(
            "something behind a tar", "x.tar.zst", 4, "not packed as mmvault packs",
            "tar(); open('x.tar.zst', 'ab').write(b'more')"),
        Hostile(
            "times in a zip", "good.zip", 4, "not packed as mmvault packs",
            """
            subprocess.run(['mmvault', 'check', 'good.zip'], check=True); b = bytearray(open('good.zip', 'rb').read())
            end = b.rfind(b'PK\\5\\6'); place = int.from_bytes(b[end + 16:end + 20], 'little')
            while b[place:place + 4] == b'PK\\1\\2':
                local = int.from_bytes(b[place + 42:place + 46], 'little')
                for moment in (place + 12, local + 10): b[moment:moment + 4] = b'\\x00\\x00\\x6e\\x4e'
                place += 46 + sum(int.from_bytes(b[place + i:place + i + 2], 'little') for i in (28, 30, 32))
            open('good.zip', 'wb').write(b)
            """),
        Hostile(
            "a zip of several disks", "good.zip", 4, "not packed as mmvault packs",
            "b = bytearray(open('good.zip', 'rb').read()); b[b.rfind(b'PK\\5\\6') + 4] = 1; open('good.zip', 'wb').write(b)"
        ),
        Hostile("an empty folder", "good", 4, "it is an empty folder", "os.mkdir('good/Bob confessed')"),
        Hostile(
            "a name in another spelling", "good", 4, "does not list it|it is missing",
            """
            import hashlib, unicodedata
            old, new = 'good/\\u00c5.txt', 'good/A\\u030a.txt'; assert old != new
            open(old, 'w').write('x'); s = hashlib.sha256(b'x').hexdigest()
            open('good/SHA256SUMS', 'a').write(s + '  ' + old[5:] + '\\n'); os.rename(old, new)
            """),
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
            _ = try await stage.run(
                "mmvault export evidence good \(Stage.keys); mmvault export evidence good.zip \(Stage.keys)")
            try await stage.python(Self.preamble + hostile.script)
            let before = stage.paths(below: ".")
            let check = try await stage.run("mmvault check \(hostile.name)")
            #expect(check.code == hostile.code, "\(check.everything)")
            let said = check.everything.replacing(/\n +/, with: " ")
            #expect(hostile.says.split(separator: "|").contains { said.contains($0) }, "\(check.everything)")
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

    /// Packed by other tools, other programs might find other files in it. In the folder that it unpacks to, all see the same.
    @Test func packageThatWasPackedAgain_IsRefused() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            _ = try await stage.run("mmvault export evidence good \(Stage.keys)")
            try await stage.python(Self.preamble + "z = Z(); fill(z); z.close(); tar()")
            _ = try await stage.run("tar --zstd -cf y.tar.zst good/; python3 -m zipfile -c y.zip good")
            for name in ["x.zip", "x.tar.zst", "y.zip", "y.tar.zst"] {
                let check = try await stage.run("mmvault check \(name)")
                #expect(
                    [4, 65].contains(check.code) && !check.everything.contains("fits together")
                        && check.everything.replacing(/\s+/, with: " ").contains("not packed as mmvault packs")
                        && check.everything.replacing(/\s+/, with: " ").contains("unpack it and check the folder"),
                    "\(check.everything)")
            }
            let check = try await stage.run("mkdir y; tar --zstd -xf y.tar.zst -C y; mmvault check y/good")
            #expect(check.code == 0, "\(check.everything)")
        }
    }

    /// A change of a package in one file that lets some program unpack other files, or hides something.
    struct Repacking: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let script: String

        init(_ description: String, _ script: String) { (testDescription, self.script) = (description, script) }
    }

    static let repackings = [
        Repacking("nothing changed", "write_tar(tar); write_zip(locals, central)"),
        Repacking(
            "a pax header for all files", "write_tar(pax(b'g', b'path=' + folder + b'/report.html') + tar)"),
        Repacking("a pax header with another key", "write_tar(pax(b'x', b'comment=x') + tar)"),
        Repacking("a pax header with another path", "write_tar(pax(b'x', b'path=report.html') + tar)"),
        Repacking(
            "a file before the others",
            "write_tar(header(b'0', folder + b'/A', 1) + b'x'.ljust(512, b'\\0') + tar)"),
        Repacking("a folder before the others", "write_tar(header(b'5', folder + b'/', 0) + tar)"),
        Repacking("a hard link", "write_tar(header(b'1', folder + b'/A', 0, b'README.txt') + tar)"),
        Repacking(
            "a bomb", "write_tar(header(b'0', folder + b'/A', 200 << 20) + bytes(200 << 20) + tar)"),
        Repacking("a device", "write_tar(header(b'3', folder + b'/A', 0) + tar)"),
        Repacking("another mode", "write_tar(tar.replace(b'000600 ', b'000755 ', 1))"),
        Repacking("a number in another form", "write_tar(tar.replace(b'000600 ', b'0000600', 1))"),
        Repacking(
            "bytes behind a file", "i = tar.index(b'\\0' * 32, 1024); write_tar(tar[:i + 8] + b'x' + tar[i + 9:])"),
        Repacking("bytes behind the end", "write_tar(tar + b'x' * 512)"),
        Repacking("zeros behind the end", "write_tar(tar + bytes(512))"),
        Repacking("the end cut off", "write_tar(tar[:-512])"),
        Repacking("two frames", "write_tar(tar[:512]); add(zstd(tar[512:]))"),
        Repacking("a frame that is skipped", "write_tar(tar); add(b'\\x50\\x2a\\x4d\\x18\\4\\0\\0\\0text')"),
        Repacking(
            "a frame that is skipped, before",
            "write_tar(tar); d = open('x.tar.zst', 'rb').read(); open('x.tar.zst', 'wb').write(b'\\x50\\x2a\\x4d\\x18\\0\\0\\0\\0' + d)"
        ),
        Repacking("bytes behind the frame", "write_tar(tar); add(b'x')"),
        Repacking(
            "another name by Unicode in the list alone",
            "write_zip(locals, [extra(c, unicode_path(c)) if b'A-notes' in c else c for c in central])"),
        Repacking(
            "another name by Unicode in both",
            "write_zip([extra(l, unicode_path(l), 28) for l in locals[:1]] + locals[1:], [extra(central[0], unicode_path(central[0]))] + central[1:])"
        ),
        Repacking("an unknown field", "write_zip(locals, [extra(c, b'\\xfe\\xca\\1\\0x') for c in central])"),
        Repacking(
            "a file's comment",
            "write_zip(locals, [central[0][:32] + b'\\1\\0' + central[0][34:] + b'x'] + central[1:])"),
        Repacking("a comment", "write_zip(locals, central, b'x')"),
        Repacking(
            "a link by its mode",
            "write_zip(locals, [central[0][:38] + (0o120777 << 16).to_bytes(4, 'little') + central[0][42:]] + central[1:])"
        ),
        Repacking("made by MS-DOS", "write_zip(locals, [central[0][:5] + b'\\0' + central[0][6:]] + central[1:])"),
        Repacking(
            "a name of another encoding",
            "write_zip([l[:7] + b'\\x08' + l[8:] for l in locals[:1]] + locals[1:], [central[0][:9] + b'\\x08' + central[0][10:]] + central[1:])"
        ),
        Repacking("a prefix", "write_zip([b'prefix' + locals[0]] + locals[1:], central, shift=6)"),
        Repacking("a gap", "write_zip([locals[0] + b'gap'] + locals[1:], central)"),
        Repacking("bytes behind", "write_zip(locals, central); add(b'x', 'x.zip')"),
        Repacking("a file less in the list", "write_zip(locals, central[:-1])"),
        Repacking("a file less", "write_zip(locals[:-1], central)"),
        Repacking("another order", "write_zip(locals[::-1], central[::-1])"),
        Repacking(
            "another folder",
            "write_zip([l.replace(folder, b'evidence-000000000000', 1) for l in locals], [c.replace(folder, b'evidence-000000000000', 1) for c in central])"
        ),
        Repacking(
            "two folders",
            "write_zip([locals[0].replace(folder, b'evidence-000000000000', 1)] + locals[1:], [central[0].replace(folder, b'evidence-000000000000', 1)] + central[1:])"
        ),
    ]

    private static let parts = #"""
        import os, subprocess, struct, zlib
        raw = open('good.zip', 'rb').read()
        end = raw.rfind(b'PK\5\6'); start = int.from_bytes(raw[end + 16:end + 20], 'little')
        central, place = [], start
        while place < end:
            n, e, c = struct.unpack('<HHH', raw[place + 28:place + 34])
            central.append(raw[place:place + 46 + n + e + c]); place += 46 + n + e + c
        offsets = [int.from_bytes(c[42:46], 'little') for c in central] + [start]
        locals = [raw[a:b] for a, b in zip(offsets, offsets[1:])]
        tar = subprocess.run(['zstd', '-dc', 'good.tar.zst'], stdout=subprocess.PIPE, check=True).stdout
        folder = tar[:100].split(b'/')[0].rstrip(b'\0')
        def name(h): return h[46:46 + int.from_bytes(h[28:30], 'little')] if h[:4] == b'PK\1\2' else h[30:30 + int.from_bytes(h[26:28], 'little')]
        def unicode_path(h):
            text = b'\1' + zlib.crc32(name(h)).to_bytes(4, 'little') + folder + b'/report.html'
            return b'up' + len(text).to_bytes(2, 'little') + text
        # An extra field more, for a header of the list, or of a file (28).
        def extra(h, field, at=30):
            n = int.from_bytes(h[at:at + 2], 'little'); behind = (46 if at == 30 else 30) + len(name(h)) + n
            return h[:at] + (n + len(field)).to_bytes(2, 'little') + h[at + 2:behind] + field + h[behind:]
        def write_zip(locals, central, comment=b'', shift=0):
            place, entries = 0, []
            for l, c in zip(locals, central):
                entries.append(c[:42] + (place + (shift if place == 0 else 0)).to_bytes(4, 'little') + c[46:]); place += len(l)
            entries += central[len(locals):]
            whole, listed = b''.join(locals), b''.join(entries)
            tail = struct.pack('<4sHHHHIIH', b'PK\5\6', 0, 0, len(entries), len(entries), len(listed), len(whole), len(comment))
            open('x.zip', 'wb').write(whole + listed + tail + comment)
        def header(kind, name, size, link=b''):
            h = bytearray(512); h[0:len(name)] = name; h[100:108] = b'000600 \0'; h[108:116] = h[116:124] = b'000000 \0'
            h[124:136] = b'%011o ' % size; h[136:148] = b'00000000000 '; h[156:157] = kind; h[157:157 + len(link)] = link
            h[257:265] = b'ustar\x0000'; h[148:156] = b' ' * 8; h[148:156] = b'%06o\0 ' % sum(h)
            return bytes(h)
        def pax(kind, record):
            n = len(record) + 3; n += len(str(n)) - (1 if len(str(n)) + len(record) + 2 < n else 0)
            while len(b'%d %s\n' % (n, record)) != n: n = len(b'%d %s\n' % (n, record))
            text = b'%d %s\n' % (n, record)
            return header(kind, b'PaxHeader/x', len(text)) + text.ljust(512, b'\0')
        def zstd(bytes): return subprocess.run(['zstd', '-c'], input=bytes, stdout=subprocess.PIPE, check=True).stdout
        def write_tar(bytes): open('x.tar.zst', 'wb').write(zstd(bytes))
        def add(bytes, file='x.tar.zst'): open(file, 'ab').write(bytes)

        """#

    /// `check` and whatever unpacks a package agree on the files in it, since it takes nothing but what the export packs.
    @Test func repackedPackage_IsNeverSound() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            _ = try await stage.run(
                "mmvault export evidence good.zip \(Stage.keys); mmvault export evidence good.tar.zst \(Stage.keys)")
            for (place, repacking) in Self.repackings.enumerated() {
                try await stage.python(
                    Self.parts + "for f in ('x.zip', 'x.tar.zst'):\n    if os.path.exists(f): os.remove(f)\n"
                        + repacking.script)
                for name in ["x.zip", "x.tar.zst"] where stage.paths(below: ".").contains(name) {
                    let check = try await stage.run("mmvault check \(name)")
                    let isSound = check.code == 0
                    #expect(isSound == (place == 0), "\(repacking.testDescription): \(check.everything)")
                    #expect(isSound || check.everything.hasPrefix("DAMAGED") || check.code == 65, "\(check.everything)")
                }
            }
        }
    }
}
