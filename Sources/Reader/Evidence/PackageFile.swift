internal import Archive
internal import Bytes

/// The files of a package that will be one file: a tar wants to know how long a file is before it begins, and the names
/// stand in order. So what is written waits in a file without a name, and what is in the archive anyway waits there.
final class PackageFile: ExportDestination {
    private var members: [(entry: ExportFile.Entry, source: ExportSource)] = []
    private let spool: UnnamedFile
    private let place: UnnamedFile.Place

    init(_ place: UnnamedFile.Place) throws(ReaderError) {
        self.place = place
        spool = try UnnamedFile(place)
    }

    var entries: [ExportFile.Entry] { members.map(\.entry) }

    /// The folder that it unpacks into, called after its `SHA256SUMS`: so two packages never get into each other's way, and the
    /// same package always has the same bytes.
    static func folder(of entries: [ExportFile.Entry]) -> String {
        let sums = entries.first { $0.name == EvidenceWriter.sumsName }?.sha256 ?? ""
        return "evidence-\(sums.prefix(12))"
    }

    func makeFile(_ name: String) throws(ReaderError) -> ExportFile {
        let file = try UnnamedFile.open(place)
        return ExportFile(descriptor: file.descriptor, cipher: file.cipher, name: name, directory: "the package") {
            [self] _, entry throws(ReaderError) in
            let start = spool.size
            try spool.append(contentsOf: file, count: entry.size)
            members.append((entry, { [spool] in try spool.read(start..<start + entry.size, $0) }))
        }
    }

    func add(_ entry: ExportFile.Entry, from source: @escaping ExportSource) { members.append((entry, source)) }

    /// Packs everything, sorted by name.
    ///
    /// - Throws: `changedMeanwhile` where a source gives other bytes than it promised, and what `output` throws.
    func write(_ format: PackFormat, to output: @escaping (UnsafeRawBufferPointer) throws -> Void) throws {
        let writer = try PackWriter(format) { bytes in
            try Task.checkCancellation()
            try output(bytes)
        }
        let folder = PackageFile.folder(of: entries)
        for member in members.sorted(by: { $0.entry.name.utf8.lexicographicallyPrecedes($1.entry.name.utf8) }) {
            try writer.begin("\(folder)/\(member.entry.name)", size: Int64(member.entry.size))
            var hash: SHA256Stream? = SHA256Stream()
            try member.source { chunk in
                hash?.update(chunk)
                try chunk.withUnsafeBytes { try writer.write($0) }
            }
            guard hash.take()?.finalize().description == member.entry.sha256 else {
                throw ReaderError.changedMeanwhile(file: member.entry.name)
            }
        }
        try writer.finish()
    }
}
