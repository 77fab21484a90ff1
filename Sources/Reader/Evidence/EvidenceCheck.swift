public import Archive
internal import Bytes
internal import E2EE

/// Verifies a package, offline and without any private key: every hash, the chain, that each post is what the server sent,
/// every signature anew, and every other file by making it again.
public struct EvidenceCheck: Sendable {
    private let program: String
    /// The number of the format of packages that are checked.
    public static let format = EvidenceFacts.version

    /// - Parameter program: what checks, with its version; a package of the same one must be the same to the byte.
    public init(program: String) { self.program = program }

    /// Something in a package that is not as it should be.
    public struct Damage: Equatable, Sendable {
        public let file: String?
        /// The id of the post that it is about, where it is about one.
        public let post: String?
        public let what: String
    }

    public struct Report: Sendable {
        public internal(set) var damages: [Damage] = []
        /// What gpg says of the signature; nil where there is none.
        public internal(set) var signature: Gpg.SignatureState?
        /// Whose archive it is from, and by whom it was made; nil where it does not say.
        public internal(set) var account: Account?
        public internal(set) var program: String?
        public internal(set) var head: (documents: Int64, hash: String)?
        /// The document whose record has the head that somebody noted down; nil where none has.
        public internal(set) var notedDocument: Int64?
        public internal(set) var files = 0
        public internal(set) var verdicts: [Verdict: Int] = [:]
        public internal(set) var counts = ExportCounts()
        /// Posts whose text was decrypted anew, and of these the texts that are too short to prove anything.
        public internal(set) var opened = 0
        public internal(set) var shortTexts = 0
        /// Channels of which later answers are not in the package, by name, and how many: they may hold edits and deletions.
        public internal(set) var absent: [(channel: String, documents: Int)] = []
        /// The time stamps in it, as far as they fit the chain.
        public internal(set) var timeStamps: [TimeStampDocument] = []
        /// What was left out, and what is the owner's word therefore.
        public internal(set) var redaction = RedactionEffect()
        /// Whether another program packed it: then nothing of it was checked.
        public internal(set) var isPackedAgain = false
        /// The number of its format, where it is another one than this program knows: then nothing but its hashes was checked.
        public internal(set) var foreignFormat: Int64?
        /// Files that another version of the program made and that were not made again.
        public internal(set) var uncompared: [String] = []

        public var posts: Int { verdicts.values.reduce(0, +) }
        public var isClean: Bool { damages.isEmpty }
    }

    /// - Parameters:
    ///   - head: a head of the archive's chain, 64 hexadecimal digits, that somebody noted down.
    ///   - rendering: a folder that does not exist yet. Where nothing is wrong with the package, the report, Markdown, mails
    ///     and posts are written there, made anew from what was verified, with the files.
    ///   - identities: what opens a package that is sealed with age; gpg opens others.
    ///   - progress: called with how many files, and then how many posts, were read.
    /// - Throws: `notAPackage`, `notEvidence`, `outputExists`, `sealed`; what is wrong with a package is in the report.
    public func run(
        _ path: String, head: String? = nil, rendering: String? = nil,
        identities: AgeIdentities? = nil, progress: (_ files: Int, _ posts: Int) -> Void = { _, _ in }
    ) async throws -> Report {
        if let rendering, !PrivateFile.names(in: rendering).isEmpty { throw ReaderError.outputExists(path: rendering) }
        let contents = try await PackageContents(path, holdsFiles: rendering != nil, identities: identities) {
            if $0.isMultiple(of: 64) { progress($0, 0) }
        }
        var report = Report()
        report.files = contents.entries.count
        if let flaw = contents.flaw {
            report.damages.append(Damage(file: flaw.file, post: nil, what: flaw.what))
            report.isPackedAgain = contents.isPackedAgain
            return report
        }
        if contents.entries[ExportDirectory.marker] != nil {
            report.damages.append(
                Damage(
                    file: nil, post: nil,
                    what: "the export was interrupted: the package holds the file \(ExportDirectory.marker)"))
        }
        report.damages += try PackageSums(contents).damages(contents)
        report.damages += contents.emptyFolders.map {
            Damage(file: $0, post: nil, what: "it is an empty folder, and no package has one: remove it")
        }
        if let signature = try contents.bytes(EvidenceWriter.signatureName) {
            let sums = try contents.bytes(EvidenceWriter.sumsName) ?? []
            let state = await Gpg().verify(
                signature: signature, of: sums, key: try contents.bytes(EvidenceWriter.signerName))
            if case .bad = state {
                report.damages.append(
                    Damage(
                        file: EvidenceWriter.signatureName, post: nil, what: "it is the signature of another SHA256SUMS"
                    ))
            }
            for (name, kind) in [
                (EvidenceWriter.signatureName, "SIGNATURE"), (EvidenceWriter.signerName, "PUBLIC KEY BLOCK"),
            ] where try contents.bytes(name).map({ Gpg.isPlainArmor($0, kind) }) == false {
                report.damages.append(Damage(file: name, post: nil, what: "it holds something else than gpg wrote"))
            }
            if case .unreadable = state {
                report.damages.append(
                    Damage(file: EvidenceWriter.signatureName, post: nil, what: "it holds no signature"))
            }
            report.signature = state
        }
        var examination = EvidenceExamination(contents, program: program, head: head)
        let files = report.files
        try examination.run(&report, to: HashingDestination()) { progress(files, $0) }
        if let rendering, report.isClean, report.foreignFormat == nil { try render(contents, to: rendering) }
        return report
    }

    /// Goes through all of it again, which is known to be as it should be: of a damaged package nothing is written.
    private func render(_ contents: PackageContents, to path: String) throws {
        let directory = try ExportDirectory(path)
        var examination = EvidenceExamination(contents, program: program, head: nil)
        var report = Report()
        try examination.run(&report, to: RenderingDestination(directory)) { _ in }
        guard report.isClean else { throw ReaderError.changedMeanwhile(file: EvidenceWriter.postsName) }
        try directory.complete()
    }
}

/// `SHA256SUMS`, as `sha256sum` reads it.
private struct PackageSums {
    private var hashes: [(name: String, sha256: String)] = []
    private var flaws: [String] = []

    init(_ contents: PackageContents) throws {
        var lines = contents.lines(EvidenceWriter.sumsName)
        while let line = try lines.next() {
            let parts = String(validating: line, as: UTF8.self)?.split(separator: "  ", maxSplits: 1)
            guard let parts, parts.count == 2, parts[0].utf8.count == 64, Hex.decode(String(parts[0])) != nil else {
                flaws.append("a line of it is not a hash and a name")
                break
            }
            hashes.append((String(parts[1]), parts[0].lowercased()))
        }
    }

    /// What the export writes for these files.
    private var written: [UInt8] {
        Array(EvidenceWriter.sums(hashes.map { .init(name: $0.name, size: 0, sha256: $0.sha256) }).utf8)
    }

    func damages(_ contents: PackageContents) -> [EvidenceCheck.Damage] {
        let sums = EvidenceWriter.sumsName
        guard contents.entries[sums] != nil else {
            return [EvidenceCheck.Damage(file: sums, post: nil, what: "it is missing")]
        }
        var damages = Set(flaws).sorted().map { EvidenceCheck.Damage(file: sums, post: nil, what: $0) }
        var listed: Set<String> = []
        for (name, hash) in hashes {
            if !listed.insert(name).inserted {
                damages.append(.init(file: name, post: nil, what: "\(sums) lists it twice"))
            }
            // By bytes: for Swift, two spellings of one character are the same, and for sha256sum they are not.
            guard let entry = contents.entries[name], entry.name.utf8.elementsEqual(name.utf8) else {
                damages.append(.init(file: name, post: nil, what: "it is missing"))
                continue
            }
            if entry.sha256 != hash {
                damages.append(.init(file: name, post: nil, what: "it does not have the SHA-256 that \(sums) states"))
            }
        }
        // The last line end, say: sha256sum does not mind, and still it is not what was written.
        let isOwn = contents.entries[sums]?.sha256 == SHA256Digest(of: written).description
        if damages.isEmpty, !isOwn { damages.append(.init(file: sums, post: nil, what: "it is not as it was written")) }
        let free = [sums, EvidenceWriter.signatureName, ExportDirectory.marker]
        for name in contents.entries.keys.sorted() where !listed.contains(name) && !free.contains(name) {
            damages.append(
                .init(
                    file: name, post: nil, what: "it is not part of the package (\(sums) does not list it): remove it"))
        }
        return damages
    }
}

/// Hashes what a package should hold, and keeps nothing of it.
final class HashingDestination: ExportDestination {
    private(set) var entries: [ExportFile.Entry] = []

    func makeFile(_ name: String) -> ExportFile {
        ExportFile(descriptor: nil, name: name, directory: "the package") { [weak self] _, entry in
            self?.entries.append(entry)
        }
    }

    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) { entries.append(entry) }
}

/// Keeps what people read of a package, and hashes the rest.
final class RenderingDestination: ExportDestination {
    private let directory: ExportDirectory
    private let rest = HashingDestination()

    init(_ directory: ExportDirectory) { self.directory = directory }

    var entries: [ExportFile.Entry] { directory.entries + rest.entries }

    func makeFile(_ name: String) throws(ReaderError) -> ExportFile {
        EvidenceWriter.isForm(name) ? try directory.makeFile(name) : rest.makeFile(name)
    }

    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) throws {
        try directory.add(entry, from: source)
    }
}
