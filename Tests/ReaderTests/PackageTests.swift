import Bytes
import E2EE
import Foundation
import Glibc
import Testing

@testable import Archive
@testable import Reader

/// The parts that a package of evidence is made with.
@Suite struct PackageTests {
    private let scratch = Scratch()

    /// What the archive's index tells of keys and decisions can be told from the documents alone.
    @Test(arguments: [1, 2, 3] as [UInt64])
    func keysAndDecisions_AreTheSameFromTheDocumentsAlone(seed: UInt64) async throws {
        let fixture = try Fixture()
        var random = Seeded(seed)
        let keys = (0..<4).map { _ in PrivateKey.generate().publicKey }
        let users = ["alice", "bob", "carol"]
        for step in 0..<30 {
            let at = Timestamp(milliseconds: Fixture.first + Int64(step))
            let user = id(users[Int(random.next() % 3)])
            let key = keys[Int(random.next() % 4)]
            switch random.next() % 4 {
            case 0:
                let document = ReceivedDocument.ownKey(
                    userID: id("alice"), encryptionPoint: key.encryptionPoint, signingPoint: key.signingPoint, at: at)
                try await fixture.append(document, objects: nil)
            case 1:
                let verb = TrustDecision.Verb.allCases[Int(random.next() % 4)]
                let decision = TrustDecision(
                    userID: user, verb: verb, signingPoint: key.signingPoint,
                    encryptionPoint: random.next() % 2 == 0 ? nil : key.encryptionPoint, at: at)
                try await fixture.append(TrustDecision.document([decision], at: at), objects: .trust)
            default:
                var json = JSONWriter()
                json.object { $0.object("pubKeys") { key.write(to: &$0, user) } }
                let document = ReceivedDocument(
                    kind: .keys, request: "POST /x", channelID: nil, receivedAt: at, body: json.bytes)
                try await fixture.append(document, objects: nil)
            }
        }
        let archive = try fixture.archive
        var sightings: [KeySighting] = []
        var statements: [(decision: TrustDecision, json: [UInt8])] = []
        for sequence in 1...(try archive.head().documents) {
            let source = try archive.document(sequence)
            let content = try DocumentContent(source.record, source.body)
            sightings += content.keys
            statements += content.decisions
        }
        #expect(try KnownKey.all(from: sightings) == archive.knownKeys())
        #expect(try TrustDecision.newest(of: statements) == archive.trustDecisions())
        #expect(!sightings.isEmpty && !statements.isEmpty)
    }

    @Test(arguments: [true, false])
    func aNewFile_ReplacesNothingAndLeavesNothing(mayBeUnnamed: Bool) throws {
        let path = scratch["out"]
        func write(_ text: String, to file: NewFile) throws {
            try [UInt8](text.utf8).withUnsafeBytes { try file.write($0) }
        }
        do { try write("half", to: NewFile(path, mayBeUnnamed: mayBeUnnamed)) }
        #expect(PrivateFile.names(in: scratch.path) == [])
        // Of two at once, the one that is whole first stays, and is whole.
        let first = try NewFile(path, mayBeUnnamed: mayBeUnnamed)
        let second = try NewFile(path, mayBeUnnamed: mayBeUnnamed)
        try write("first", to: first)
        try write("second", to: second)
        try second.complete()
        #expect(throws: ReaderError.outputExists(path: path)) { try first.complete() }
        #expect(try PrivateFile.read(path) == Array("second".utf8))
        #expect(throws: ReaderError.outputExists(path: path)) { try NewFile(path, mayBeUnnamed: mayBeUnnamed) }
    }

    @Test func aNewFile_HasNoNameUntilItIsWhole() throws {
        let file = try NewFile(scratch["out"])
        #expect(PrivateFile.names(in: scratch.path) == [])
        try file.complete()
        #expect(PrivateFile.names(in: scratch.path) == ["out"])
    }

    /// Whatever else stands there is somebody else's, and stays as it is.
    @Test(arguments: [true, false])
    func aFileOfAnotherMaker_IsNotTouched(mayBeUnnamed: Bool) throws {
        let path = scratch["out"]
        try PrivateFile.replace("\(path).part", with: Array("data".utf8))
        do { _ = try NewFile(path, mayBeUnnamed: mayBeUnnamed) }
        do { try NewFile(path, mayBeUnnamed: mayBeUnnamed).complete() }
        #expect(try PrivateFile.read("\(path).part") == Array("data".utf8))
        #expect(PrivateFile.names(in: scratch.path).sorted() == ["out", "out.part"])
        #expect(throws: ReaderError.self) { try NewFile(scratch["nowhere/out"], mayBeUnnamed: mayBeUnnamed) }
    }

    @Test(arguments: [PackFormat.zip, .tarZstd], [false, true])
    func whatIsPacked_ComesOutAgain(format: PackFormat, isHidden: Bool) throws {
        let names = ["a", "é/ü.txt", "e\u{301}", String(repeating: "long/", count: 40) + "name", "z z"]
        let package = try PackageFile(isHidden ? .hidden(beside: scratch["out"]) : .memory)
        for (number, name) in names.enumerated() {
            let file = try package.makeFile(name)
            for _ in 0..<number { file.write(String(repeating: name, count: 30_000)) }
            try file.close()
        }
        let file = try NewFile(scratch["out"])
        try package.write(format) { try file.write($0) }
        try file.complete()
        let reader = try PackReader(scratch["out"], format, ImportLimits())
        var found: [ExportFile.Entry] = []
        while let name = try reader.next() {
            var bytes: [UInt8] = []
            try reader.read(name) { bytes += $0 }
            let own = name.split(separator: "/", maxSplits: 1)[1]
            #expect(name == "\(PackageFile.folder(of: package.entries))/\(own)")
            found.append(
                ExportFile.Entry(name: String(own), size: bytes.count, sha256: SHA256Digest(of: bytes).description))
        }
        #expect(
            found == package.entries.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) })
        #expect(reader.isOwn)
    }

    /// What is to be sealed waits on the disk, and nobody can read it there.
    @Test(.enabled(if: hasUnnamedFiles, "needs a file system that knows O_TMPFILE"))
    func whatIsToBeSealed_IsOnTheDisk_AndNotReadable() throws {
        let text = Array("what nobody may find on the disk, ".utf8)
        for (place, isReadable) in [
            (UnnamedFile.Place.beside(scratch["out"]), true), (.hidden(beside: scratch["out"]), false),
        ] {
            let handle = try UnnamedFile.open(place)
            let spool = try UnnamedFile(place)
            let file = ExportFile(descriptor: handle.descriptor, cipher: handle.cipher, name: "x", directory: "out") {
                _, entry throws(ReaderError) in
                try spool.append(contentsOf: handle, count: entry.size)
                try spool.append(contentsOf: handle, count: entry.size)
            }
            for _ in 0..<5000 { file.write(text) }
            // Until it is closed, its last bytes are in memory.
            let waiting = try bytesOfUnnamedFiles(below: scratch.path)
            #expect(waiting.count == 2 && waiting.contains { $0.count > 100_000 })
            #expect(waiting.contains { $0.firstRange(of: text) != nil } == isReadable)
            let entry = try file.close()
            #expect(entry.size == 5000 * text.count && spool.size == 2 * entry.size)
            let spooled = try bytesOfUnnamedFiles(below: scratch.path)
            #expect(spooled.map(\.count) == [spool.size])
            #expect(spooled.contains { $0.firstRange(of: text) != nil } == isReadable)
            let middle = try spool.bytes(entry.size - 7..<entry.size + text.count)
            #expect(middle == text.suffix(7) + text)
        }
    }

    private static let hasUnnamedFiles: Bool = {
        let file = open(NSTemporaryDirectory(), UnnamedFile.flag | O_RDWR | O_CLOEXEC, 0o600)
        if file >= 0 { close(file) }
        return file >= 0
    }()

    /// What the files without a name hold that this process has open in a folder.
    private func bytesOfUnnamedFiles(below folder: String) throws -> [[UInt8]] {
        let name = URL(filePath: folder).lastPathComponent
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap { number in
            let link = "/proc/self/fd/\(number)"
            // Descriptors of other tests come and go meanwhile.
            guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: link),
                path.contains("/\(name)/"), path.hasSuffix(" (deleted)")
            else { return nil }
            return Array(try Data(contentsOf: URL(filePath: link)))
        }
    }

    @Test func aSourceThatGivesOtherBytes_IsToldOf() throws {
        for given in ["", "other", "wrong", "longer than that"] {
            let package = try PackageFile(.memory)
            let entry = ExportFile.Entry(name: "x", size: 5, sha256: SHA256Digest(of: Array("right".utf8)).description)
            package.add(entry) { consume in try consume(Array(given.utf8)) }
            #expect(throws: (any Error).self) { try package.write(.zip) { _ in } }
        }
    }

    @Test func anErrorOfTheOutput_IsTheOneThatIsThrown() throws {
        for format in [PackFormat.zip, .tarZstd] {
            let package = try PackageFile(.memory)
            let file = try package.makeFile("x")
            for number in 0..<200_000 { file.write("\(number &* 2_654_435_761)") }
            try file.close()
            #expect(throws: ReaderError.outputExists(path: "full")) {
                try package.write(format) { _ in throw ReaderError.outputExists(path: "full") }
            }
        }
    }

    private static let signing = String(repeating: "A", count: 40)
    private static let primary = String(repeating: "B", count: 40)

    @Test(arguments: [
        (
            "[GNUPG:] GOODSIG AB Alice <a@b>\n[GNUPG:] VALIDSIG FF00 2026\n[GNUPG:] TRUST_ULTIMATE 0 pgp",
            Gpg.SignatureState.good(userID: "Alice <a@b>", fingerprint: "FF00", isTrusted: true)
        ),
        (
            "[GNUPG:] GOODSIG AB A\n[GNUPG:] VALIDSIG \(signing) 2026-11-27 1 0 4 0 22 8 00 \(primary)\n[GNUPG:] TRUST_FULLY",
            .good(userID: "A", fingerprint: primary, isTrusted: true)
        ),
        (
            "[GNUPG:] GOODSIG AB A\n[GNUPG:] VALIDSIG FF00 2026\n[GNUPG:] TRUST_UNDEFINED 0 pgp",
            .good(userID: "A", fingerprint: "FF00", isTrusted: false)
        ),
        (
            "[GNUPG:] GOODSIG AB A\n[GNUPG:] VALIDSIG FF00 2026\n[GNUPG:] TRUST_NEVER 0 pgp",
            .good(userID: "A", fingerprint: "FF00", isTrusted: false)
        ),
        (
            "[GNUPG:] GOODSIG AB A\n[GNUPG:] VALIDSIG FF00 x\n[GNUPG:] GOODSIG CD B\n[GNUPG:] VALIDSIG EE00 x\n[GNUPG:] TRUST_FULLY 0",
            .good(userID: "A", fingerprint: "FF00", isTrusted: false)
        ),
        ("[GNUPG:] BADSIG AB Alice", .bad(userID: "Alice")),
        ("[GNUPG:] GOODSIG AB Alice\n[GNUPG:] VALIDSIG FF00 x\n[GNUPG:] BADSIG CD Bob", .bad(userID: "Bob")),
        ("[GNUPG:] ERRSIG AB 1 8 00 1 9 -\n[GNUPG:] NO_PUBKEY ABCD", .unknownKey(keyID: "ABCD")),
        (
            "[GNUPG:] EXPKEYSIG AB Alice\n[GNUPG:] VALIDSIG FF00 x",
            .outdated(userID: "Alice", why: "the key has expired")
        ),
        (
            "[GNUPG:] REVKEYSIG AB Alice\n[GNUPG:] VALIDSIG FF00 x",
            .outdated(userID: "Alice", why: "the key was revoked")
        ),
        ("[GNUPG:] GOODSIG AB Alice", .notJudged(why: "no home")),
        ("[GNUPG:] VALIDSIG FF00 x", .notJudged(why: "no home")),
        ("", .notJudged(why: "no home")), ("[GNUPG:] NODATA 1\n[GNUPG:] NODATA 2", .unreadable),
        ("[GNUPG:] ERRSIG AB 99 8 00 1 4 -", .notJudged(why: "no home")),
        ("gpg: Good signature\nGOODSIG AB Alice\nVALIDSIG FF00 x", .notJudged(why: "no home")),
        (
            "[GNUPG:] GOODSIG AB M\u{2028}[GNUPG:] TRUST_ULTIMATE\n[GNUPG:] VALIDSIG FF00 x",
            .good(userID: "M\u{2028}[GNUPG:] TRUST_ULTIMATE", fingerprint: "FF00", isTrusted: false)
        ),
        ("[GNUPG:] GOODSIG AB A\n [GNUPG:] VALIDSIG FF00 x", .notJudged(why: "no home")),
    ])
    func gpgsWords_AreUnderstood(output: String, state: Gpg.SignatureState) {
        #expect(Gpg.state(output, errors: "gpg: no home\n") == state)
    }

    @Test(
        arguments: [
            ("x.zip", "zip", nil), ("X.ZIP", "zip", nil), ("x.tar.zst", "tar", nil), ("x", nil, nil),
            ("x.zip.age", "zip", "age"),
            ("x.tar.zst.gpg", "tar", "gpg"), ("x.tar", nil, nil), ("zip", nil, nil),
        ] as [(String, String?, String?)])
    func aPackagesForm_IsToldByItsName(name: String, format: String?, sealing: String?) {
        let form = PackageForm(name)
        #expect(form.format == (format == "zip" ? .zip : format == "tar" ? .tarZstd : nil))
        #expect(form.sealing == sealing)
    }
}
