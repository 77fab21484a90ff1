public import Bytes

/// An export of a server that somebody has as a zip file.
public struct ImportFile: Sendable {
    public let path: String
    private let limits: ImportLimits

    public init(path: String, limits: ImportLimits = ImportLimits()) {
        self.path = path
        self.limits = limits
    }

    /// The file's own name.
    public var name: String { path.split(separator: "/").last.map(String.init) ?? path }

    /// What the zip turned out to be, once all of it was read.
    public struct Survey: Sendable {
        public let format: ImportFormat
        /// SHA-256 of the zip, 64 hexadecimal digits.
        public let sha256: String
        public var posts = 0
        /// Files that are not lines of posts.
        public var attachments = 0
        public let hashes: Hashes
        fileprivate(set) var index: [UInt8]?

        /// What a legal hold says is the user's id.
        func userID(of username: String) -> String? {
            guard let users = index.flatMap({ try? JSONDocument($0).root })?["users"]?.members else { return nil }
            return users.first { PostHeader.isIdentifier($0.key) && $0.value["username"]?.string == username }?.key
        }
    }

    /// Whether the files of a legal hold have the hashes that the hold's server noted.
    public enum Hashes: Sendable {
        /// A bulk export has none.
        case none
        /// They are there, and nobody said the secret.
        case unchecked
        case checked(HoldHashes)
    }

    /// Reads all of the zip and every line of posts in it, and keeps nothing: what comes of this can be imported.
    ///
    /// - Parameters:
    ///   - secret: the legal hold's, to check its hashes by.
    ///   - progress: called with the bytes of the zip that were read, and all.
    /// - Throws: `badExport`, `file`.
    public func survey(
        secret: SecretBytes? = nil, progress: (Int64, Int64) -> Void = { _, _ in }
    ) throws(ArchiveError) -> Survey {
        var macs: [String: [UInt8]] = [:]
        var texts: [String: [UInt8]] = [:]
        var formats: Set<ImportFormat> = []
        var (posts, attachments) = (0, 0)
        var columns: LegalHoldColumns?
        var archives: [String] = []
        let digest = try walk(secret, progress) { part throws(ArchiveError) in
            switch part {
            case .began(let entry, let name):
                switch entry {
                case .lines: formats.insert(.bulk)
                case .table: formats.insert(.legalHold)
                case .index, .hashes: break
                case .attachment:
                    attachments += 1
                    if name.hasSuffix(".zip"), archives.count < 2 { archives.append(name) }
                }
            case .line(let line, _):
                if case .posts(let found) = try BulkLine(line) { posts += found.count }
            case .row(let row, _, let number):
                if number == 1 {
                    columns = try LegalHoldColumns(row[...])
                } else if let columns {
                    _ = try columns.row(row[...]).post(at: 0..<row.count)
                    posts += 1
                }
            case .text(let name, let bytes): texts[name] = bytes
            case .mac(let name, let mac): macs[name] = mac
            case .bytes, .ended: break
            }
        }
        let indexes = texts.keys.filter { $0.hasSuffix("index.json") }
        if !indexes.isEmpty, formats.isEmpty { formats.insert(.legalHold) }
        guard let format = formats.first, formats.count == 1 else {
            let hint = archives.first.map { "; it holds another zip, \($0): unpack this one" } ?? ""
            throw .badExport(
                file: nil,
                what: formats.isEmpty
                    ? "it holds neither an import.jsonl nor a legal hold\(hint)"
                    : "it holds two exports of different kinds")
        }
        guard indexes.count <= 1 else { throw .badExport(file: nil, what: "it holds several legal holds") }
        var hashes = Hashes.none
        if format == .legalHold {
            hashes = secret == nil ? .unchecked : .checked(try HoldHashes(macs, texts))
            if indexes.isEmpty { throw .badExport(file: nil, what: "the legal hold has no index.json") }
            if posts == 0 { throw .badExport(file: nil, what: "the legal hold has no posts in its messages/*.csv") }
        } else if secret != nil {
            throw .badExport(file: nil, what: "it is a bulk export, which has no hashes that a secret could check")
        }
        var survey = Survey(format: format, sha256: digest.description, hashes: hashes)
        (survey.posts, survey.attachments) = (posts, attachments)
        survey.index = indexes.first.flatMap { texts[$0] }
        return survey
    }

    // MARK: Reading

    /// What a file in the zip is, by its path.
    enum Entry: Equatable {
        case lines
        case table(channelID: String)
        case index, hashes
        case attachment

        init(_ name: String) {
            let parts = name.split(separator: "/").map(String.init)
            if name == "import.jsonl" {
                self = .lines
            } else if parts.count >= 3, parts[parts.count - 2] == "messages", name.hasSuffix(".csv"),
                PostHeader.isIdentifier(parts[parts.count - 3])
            {
                self = .table(channelID: parts[parts.count - 3])
            } else if parts.count <= 3, parts.last == "index.json" {
                self = .index
            } else if parts.count <= 3, parts.last == "hashes.json" {
                self = .hashes
            } else {
                self = .attachment
            }
        }
    }

    enum Part {
        case began(Entry, name: String)
        case line([UInt8], number: Int)
        /// The first row, number 1, names the columns.
        case row([UInt8], channelID: String, number: Int)
        case text(name: String, [UInt8])
        case mac(name: String, [UInt8])
        /// A piece of an attachment.
        case bytes(UnsafeRawBufferPointer)
        /// An attachment is whole.
        case ended
    }

    /// Reads the zip from its beginning to its end.
    ///
    /// - Returns: its SHA-256.
    func walk(
        _ secret: SecretBytes?, _ progress: (Int64, Int64) -> Void, _ consume: (Part) throws(ArchiveError) -> Void
    ) throws(ArchiveError) -> SHA256Digest {
        let reader = try PackReader(path, .zip, limits)
        var paths: Set<String> = []
        while let name = try reader.next() {
            let entry = Entry(name)
            // `a/./b` is `a/b`, as it is for whoever unpacks it.
            let path = name.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
            guard paths.insert(path).inserted else {
                throw .badExport(file: name, what: "the zip holds it twice")
            }
            try consume(.began(entry, name: name))
            do throws(ArchiveError) {
                try read(entry, name, reader, secret, progress, consume)
            } catch {
                guard case .badExport(nil, let what) = error else { throw error }
                throw .badExport(file: name, what: what)
            }
        }
        guard let digest = reader.digest else { throw .badExport(file: nil, what: "it was not read to its end") }
        return digest
    }

    private func read(
        _ entry: Entry, _ name: String, _ reader: PackReader, _ secret: SecretBytes?,
        _ progress: (Int64, Int64) -> Void, _ consume: (Part) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var isTable = false
        if case .table = entry { isTable = true }
        var splitter = RecordSplitter(hasQuotes: isTable)
        var text: [UInt8] = []
        var number = 0
        func record(_ bytes: [UInt8]) throws(ArchiveError) {
            number += 1
            do throws(ArchiveError) {
                if case .table(let channelID) = entry {
                    try consume(.row(bytes, channelID: channelID, number: number))
                } else {
                    try consume(.line(bytes, number: number))
                }
            } catch {
                guard case .badExport(nil, let what) = error else { throw error }
                throw .badExport(file: name, what: "\(isTable ? "row" : "line") \(number): \(what)")
            }
        }
        var mac = Authentication(secret)
        try reader.read(name) { bytes throws(ArchiveError) in
            guard !Task.isCancelled else { throw .badExport(file: nil, what: "this was interrupted") }
            progress(reader.bytesRead, reader.size)
            mac.update(bytes)
            switch entry {
            case .lines, .table: try splitter.add(bytes, record)
            case .index, .hashes:
                guard text.count + bytes.count <= ImportLimits.line else {
                    throw .badExport(file: name, what: "it is too large")
                }
                text += bytes
            case .attachment: try consume(.bytes(bytes))
            }
        }
        if entry == .attachment { try consume(.ended) }
        if case .lines = entry { try splitter.finish(record) }
        if isTable { try splitter.finish(record) }
        if entry == .index || entry == .hashes { try consume(.text(name: name, text)) }
        if let mac = mac.finish() { try consume(.mac(name: name, mac)) }
    }

    /// A file's HMAC, where there is a secret to make it with.
    private struct Authentication: ~Copyable {
        private var mac: HMACSHA512?

        init(_ secret: SecretBytes?) {
            if let secret { mac = HMACSHA512(key: secret) }
        }

        mutating func update(_ bytes: UnsafeRawBufferPointer) { mac?.update(bytes) }
        mutating func finish() -> [UInt8]? { mac.take()?.finalize() }
    }
}
