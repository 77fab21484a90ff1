import Bytes
import Foundation
import TestSupport
import Testing

@testable import Reader

/// Random changes of a package, by somebody who makes the hashes anew and, more often than not, the report and everything
/// else that `check` makes of the posts: either `check` says that something is wrong, or nothing that a reader sees
/// differs but what the report calls the owner's word.
///
/// 60 in every run; `MMVAULT_FORGERIES=10000 swift test --filter EvidenceRandomTests` for more, and
/// `MMVAULT_FORGERY=SEED` for a certain one. The messages are encrypted anew in each run, so that a seed gives the same kind
/// of change to the same member, and of bytes one in another place; what failed is kept, and named.
@Suite struct EvidenceRandomTests {
    /// Evaluated once, when the test begins; what it prints stands in the output of `swift test`.
    private static let seeds: ClosedRange<UInt64> = {
        let variables = ProcessInfo.processInfo.environment
        let certain = variables["MMVAULT_FORGERY"].flatMap { UInt64($0) }
        let count = variables["MMVAULT_FORGERIES"].flatMap { UInt64($0) } ?? 60
        // Other ones each time: ten thousand of them are a sample as well.
        let first = certain ?? UInt64.random(in: 0..<1 << 32)
        let seeds = first...(certain == nil ? first + max(count, 1) - 1 : first)
        print(
            "Random forgeries: the seeds \(seeds.lowerBound) to \(seeds.upperBound). One of them again: "
                + "MMVAULT_FORGERY=SEED swift test --filter EvidenceRandomTests")
        return seeds
    }()

    /// What may differ where `check` says that all is well, by the path of the member. Nothing in the package could show it, and
    /// the report, or docs/evidence.md, calls it the owner's word; or it says less, and nothing that is false.
    private static let ownersWord: [String: [String]] = [
        "manifest.json": [
            // What made it, as it says itself; what it made is made again by what checks it.
            ".program",
            // The narrowing in the owner's own words: what came of it is `chosen`, and is held against it.
            ".asked[].value",
            // Limits that choose the same posts of these documents.
            ".chosen.since", ".chosen.until", ".chosen.user_ids[]",
            // Names, kinds and teams of channels; that the server does not list one; that one holds other posts.
            ".channels[].name", ".channels[].display_name", ".channels[].type", ".channels[].team_id",
            ".channels[].path", ".channels[].has_encrypted_posts", ".channels[].absence", ".channels[].absence.reason",
            ".channels[].absence.since", ".channels[].id",
            ".teams[].id", ".teams[].name", ".teams[].display_name",
            // Who made an emoji, and when.
            ".emoji[].id", ".emoji[].creator_id", ".emoji[].create_at",
            // The older of two documents that describe somebody in the same words.
            ".users[].document",
        ],
        "keys.json": [
            ".own[].said_own", ".own[].encr", ".own[].key_id", ".own[].sign", ".encrypted_since[].document",
            ".encrypted_since[].user_id",
        ],
        "posts/posts.jsonl": [
            ".suspicions[]", ".reason", ".opened_by", ".absence", ".absence.reason", ".absence.since",
            ".files[].missing", ".reactions[].custom.id", ".reactions[].custom.creator_id",
        ],
        "verdicts.jsonl": [".suspicions[]", ".reason", ".version"],
    ]

    /// Files whose every byte is made of the others by `check`.
    private static func isMade(_ name: String) -> Bool {
        name.hasPrefix("posts/markdown/") || name.hasPrefix("posts/mbox/") || name.hasPrefix("report.")
    }

    @Test func randomForgery_IsFoundOrChangesNothingThatAReaderSees() async throws {
        let seeds = Self.seeds
        try await EvidenceDamageTests.with { stage in
            let path = "\(stage.folder)/out"
            let package = try PackageOnDisk(path)
            let program = try #require(
                try JSONDocument(package.files["manifest.json"] ?? []).root["program"]?.string)
            #expect(try await EvidenceCheck(program: program).run(path).isClean)
            var (changed, passed, slowest) = (0, [String: Int](), Duration.zero)
            for seed in seeds {
                let forgery = RandomForgery(package.files, seed: seed)
                guard forgery.files != package.files else { continue }
                changed += 1
                // Where the program crashes, this stays.
                try stage.write("seed", "\(seed): \(forgery.done)\n")
                var files = forgery.files
                if forgery.makesAllAnew {
                    // What cannot be made is what `check` finds, too: it is the same code that looks at it.
                    guard let made = try await Self.madeAnew(files, package, program, "\(stage.folder)/made") else {
                        continue
                    }
                    files.merge(made) { $1 }
                    for name in files.keys where Self.isMade(name) && made[name] == nil { files[name] = nil }
                }
                if !forgery.leavesHashes { files["SHA256SUMS"] = Self.sums(files) }
                try package.write(files)
                let start = ContinuousClock.now
                let report = try? await EvidenceCheck(program: program).run(path)
                slowest = max(slowest, start.duration(to: .now))
                let isClean = report.map { $0.isClean && $0.uncompared.isEmpty && $0.foreignFormat == nil } ?? false
                if isClean, let wrong = Self.difference(package.files, files) {
                    let kept = "/tmp/mmvault-forgery-\(seed)"
                    _ = try await stage.run("rm -rf \(kept); cp -r out \(kept)")
                    Issue.record(
                        "seed \(seed), kept in \(kept): \(forgery.done): \(wrong) differs, and check says nothing")
                } else if isClean {
                    passed[forgery.done.prefix { $0 != " " && $0 != "," }.description, default: 0] += 1
                }
                if changed.isMultiple(of: 1000) { print("Random forgeries: \(changed), up to seed \(seed)") }
            }
            print(
                "Random forgeries: \(changed) changed something; the slowest check took \(slowest); clean, in nothing but the "
                    + "owner's word: \(passed.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
            #expect(changed > 0 && slowest < .seconds(60))
        }
    }

    /// What differs that may not; nil where nothing does.
    private static func difference(_ old: [String: [UInt8]], _ new: [String: [UInt8]]) -> String? {
        var (isOwners, made) = (false, [String]())
        for name in Set(old.keys).union(new.keys).sorted() where old[name] != new[name] && name != "SHA256SUMS" {
            // Whatever an audit is said to have found is the owner's word.
            if name == "findings.jsonl" {
                isOwners = true
            } else if isMade(name) {
                made.append(name)
            } else if let allowed = ownersWord[name], let one = old[name].flatMap(values),
                let other = new[name].flatMap(values)
            {
                let differing = Set(one.symmetricDifference(other).map(\.path)).subtracting(allowed)
                // Counts follow from the rest, and `check` makes them.
                if let path = differing.sorted().first(where: { !$0.contains(".counts.") }) { return name + path }
                isOwners = true
            } else {
                return name
            }
        }
        return isOwners ? nil : made.first
    }

    private struct Value: Hashable {
        let path: String
        let bytes: [UInt8]
        /// Where it stands among those of the same path.
        let number: Int
    }

    /// Every value that holds no others, of all lines.
    private static func values(_ text: [UInt8]) -> Set<Value>? {
        var values: Set<Value> = []
        var numbers: [String: Int] = [:]
        for line in text.split(separator: UInt8(ascii: "\n")) {
            guard let root = try? JSONDocument(Array(line)).root else { return nil }
            var waiting: [(String, JSONValue)] = [("", root)]
            while let (path, value) = waiting.popLast() {
                switch value.kind {
                case .object: waiting += value.members.map { ("\(path).\($0.key)", $0.value) }
                case .array: waiting += value.elements.map { ("\(path)[]", $0) }
                default:
                    values.insert(Value(path: path, bytes: Array(value.bytes), number: numbers[path, default: 0]))
                    numbers[path, default: 0] += 1
                }
            }
        }
        return values
    }

    // MARK: The forger's tools

    private static func sums(_ files: [String: [UInt8]]) -> [UInt8] {
        Array(
            EvidenceWriter.sums(
                files.filter { $0.key != "SHA256SUMS" }.map {
                    .init(name: $0.key, size: $0.value.count, sha256: SHA256Digest(of: $0.value).description)
                }
            ).utf8)
    }

    /// What the program makes of a changed package; nil where it finds that something is wrong with the posts, the keys or the
    /// documents.
    private static func madeAnew(
        _ files: [String: [UInt8]], _ package: PackageOnDisk, _ program: String, _ folder: String
    ) async throws -> [String: [UInt8]]? {
        var files = files
        files["SHA256SUMS"] = sums(files)
        try package.write(files)
        guard let contents = try? await PackageContents(package.path, holdsFiles: true, identities: nil, { _ in }),
            contents.flaw == nil
        else { return nil }
        let destination = ForgersDestination(folder)
        var report = EvidenceCheck.Report()
        var examination = EvidenceExamination(contents, program: program, head: nil)
        guard (try? examination.run(&report, to: destination) { _ in }) != nil else { return nil }
        guard destination.entries.contains(where: { $0.name == EvidenceWriter.manifestName }) else {
            #expect(!report.isClean || report.foreignFormat != nil)
            return nil
        }
        return try destination.take()
    }
}

/// A package in a folder. Only what changes is written.
private final class PackageOnDisk {
    let path: String
    /// As it was made.
    let files: [String: [UInt8]]
    private var now: [String: [UInt8]]

    init(_ path: String) throws {
        self.path = path
        var files: [String: [UInt8]] = [:]
        for case let name as String in FileManager.default.enumerator(atPath: path) ?? .init() {
            var isFolder: ObjCBool = false
            guard FileManager.default.fileExists(atPath: "\(path)/\(name)", isDirectory: &isFolder), !isFolder.boolValue
            else { continue }
            files[name] = Array(try Data(contentsOf: URL(filePath: "\(path)/\(name)")))
        }
        (self.files, now) = (files, files)
    }

    func write(_ files: [String: [UInt8]]) throws {
        for name in Set(files.keys).union(now.keys) where files[name] != now[name] {
            guard let bytes = files[name] else {
                try FileManager.default.removeItem(atPath: "\(path)/\(name)")
                continue
            }
            let folder = URL(filePath: "\(path)/\(name)").deletingLastPathComponent()
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(filePath: "\(path)/\(name)"))
        }
        now = files
    }
}

/// Where what is made anew goes: files in a folder, by number, since a forger's names may be any.
private final class ForgersDestination: ExportDestination {
    private(set) var entries: [ExportFile.Entry] = []
    private let folder: String
    private var places: [(name: String, path: String)] = []

    init(_ folder: String) {
        self.folder = folder
        try? FileManager.default.removeItem(atPath: folder)
        try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    func makeFile(_ name: String) throws(ReaderError) -> ExportFile {
        let path = "\(folder)/\(places.count)"
        places.append((name, path))
        let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
        return ExportFile(descriptor: descriptor, name: name, directory: folder) { [weak self] _, entry in
            self?.entries.append(entry)
        }
    }

    /// The files of posts are as they are in the package.
    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) { entries.append(entry) }

    func take() throws -> [String: [UInt8]] {
        try places.reduce(into: [:]) { $0[$1.name] = Array(try Data(contentsOf: URL(filePath: $1.path))) }
    }
}
