internal import Archive
internal import Bytes

/// A package read once from its beginning to its end: the size and hash of every file, and the bytes of those that the
/// check needs again, in a file without a name beside the package. Nothing is unpacked.
final class PackageContents {
    /// By name.
    private(set) var entries: [String: ExportFile.Entry] = [:]
    /// What is wrong with the package as a whole; then what follows was not read.
    private(set) var flaw: (file: String?, what: String)?
    /// Whether another program packed it, which is its flaw then.
    var isPackedAgain: Bool { flaw?.what == PackReader.foreignWords }
    /// Folders in a package that is a folder in which there is nothing.
    private(set) var emptyFolders: [String] = []
    private var places: [String: Range<Int>] = [:]
    /// The folder that a packed package unpacks into; nil for a package that is a folder.
    private var folder: String?
    /// Whether a packed package is as the export packs it.
    private var isOwn = true
    /// Where what is read may wait: where the package is.
    let place: UnnamedFile.Place
    private let held: UnnamedFile
    private let holdsFiles: Bool
    /// The file under way.
    private var current: (name: String, start: Int, size: Int) = ("", 0, 0)
    private var hash: SHA256Stream?

    /// - Throws: `notAPackage`, `notEvidence` where nothing of it can be read as one.
    ///
    /// - Parameters:
    ///   - holdsFiles: whether the files of posts are kept as well.
    ///   - identities: what opens a package that is sealed with age.
    init(
        _ path: String, holdsFiles: Bool = false, identities: AgeIdentities?, _ progress: (Int) -> Void
    ) async throws {
        self.holdsFiles = holdsFiles
        let form = PackageForm(path)
        let isFolder = PrivateFile.isDirectory(path)
        // To read all of a large folder, only to say that it is something else, would take long.
        if isFolder, !PackageContents.peculiar.contains(where: { PrivateFile.exists("\(path)/\($0)") }) {
            let manifest = try? PrivateFile.read("\(path)/\(EvidenceWriter.manifestName)")
            try PackageContents.refuse(path, manifest: manifest)
        }
        let sealing = isFolder ? nil : form.sealing
        place = sealing == nil ? .beside(isFolder ? "\(path)/." : path) : .hidden(beside: path)
        held = try UnnamedFile(place)
        let source: PackSource?
        let format: PackFormat?
        if let sealing {
            let opened = try await SealedPackage(path: path, sealing: sealing).open(identities)
            source = PackSource(path, size: Int64(opened.size), fill: opened.fill)
            format = source.flatMap(PackFormat.init)
        } else {
            source = isFolder || form.format == nil ? nil : try PackSource(path)
            format = form.format
        }
        guard isFolder || format != nil else {
            throw ReaderError.notAPackage(path: path, what: "it is neither a folder nor a .zip or .tar.zst")
        }
        do {
            if isFolder {
                try PackageFolder(path: path).forEachFile(
                    { [self] name in
                        try begin(name)
                        progress(entries.count)
                    }, { [self] name, bytes in try add(bytes) }, empty: { [self] in emptyFolders.append($0) })
            } else if let source, let format {
                // What repeats itself in three forms, and is packed well, comes to far less.
                let limit = max(4 << 30, 200 * source.size)
                let reader = try PackReader(source, format, ImportLimits(unpacked: limit))
                while let place = try reader.next() {
                    try Task.checkCancellation()
                    try begin(inFolder(place))
                    progress(entries.count)
                    var failure: (any Error)?
                    try reader.read(place) { bytes throws(ArchiveError) in
                        guard failure == nil else { return }
                        do { try add(bytes) } catch { failure = error }
                    }
                    if let failure { throw failure }
                }
                isOwn = isOwn && reader.isOwn
            }
            end()
        } catch ArchiveError.badExport(nil, let what) where entries.isEmpty && current.name.isEmpty {
            throw ReaderError.notAPackage(path: path, what: what)
        } catch ArchiveError.badExport(let file, let what) {
            end()
            flaw = (file, what)
        }
        if flaw == nil, !entries.keys.contains(where: PackageContents.peculiar.contains) {
            try PackageContents.refuse(path, manifest: try bytes(EvidenceWriter.manifestName))
        }
        if let folder { isOwn = isOwn && folder == PackageFile.folder(of: Array(entries.values)) }
        if flaw == nil, !isOwn {
            flaw = (nil, PackReader.foreignWords)
        }
    }

    /// What nothing but a package has: where one of these is, a manifest that is missing is damage.
    private static let peculiar: Set<String> = [
        EvidenceWriter.chainName, EvidenceWriter.verdictsName, EvidenceWriter.postsName, EvidenceWriter.keysName,
        EvidenceWriter.trustName, EvidenceWriter.findingsName, EvidenceDocument.recordName(1),
    ]

    /// The name of a packed file within the one folder in which all of them must be.
    private func inFolder(_ place: String) -> String {
        let parts = place.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, folder == nil || folder == parts[0] else {
            isOwn = false
            return place
        }
        folder = parts[0]
        return parts[1]
    }

    /// - Throws: `notAPackage`, `notEvidence`, unless the manifest is that of a package.
    private static func refuse(_ path: String, manifest: [UInt8]?) throws(ReaderError) {
        let root = manifest.flatMap { try? JSONDocument($0).root }
        guard root?["mmvault_evidence"] == nil else { return }
        if let format = ExportManifest.format(root) { throw .notEvidence(path: path, format) }
        throw .notAPackage(path: path, what: "it holds no package")
    }

    private func begin(_ name: String) throws {
        end()
        guard entries[name] == nil else { throw ArchiveError.badExport(file: name, what: "the package holds it twice") }
        current = (name, held.size, 0)
        hash = SHA256Stream()
    }

    private func add(_ bytes: UnsafeRawBufferPointer) throws {
        hash?.update(bytes)
        current.size += bytes.count
        if isNeeded(current.name) { try held.append(bytes) }
    }

    private func end() {
        guard let hash = hash.take() else { return }
        entries[current.name] = ExportFile.Entry(
            name: current.name, size: current.size, sha256: hash.finalize().description)
        if isNeeded(current.name) { places[current.name] = current.start..<held.size }
        current.name = ""
    }

    private func isNeeded(_ name: String) -> Bool {
        name.hasPrefix("documents/") || holdsFiles && name.hasPrefix("\(ExportFiles.folder)/")
            || [
                EvidenceWriter.sumsName, EvidenceWriter.signatureName, EvidenceWriter.signerName,
                EvidenceWriter.manifestName,
                EvidenceWriter.keysName, EvidenceWriter.trustName, EvidenceWriter.chainName, EvidenceWriter.postsName,
                EvidenceWriter.verdictsName, EvidenceWriter.findingsName,
            ].contains(name)
    }

    /// The bytes of a file that is needed; nil where there is none of that name.
    func bytes(_ name: String) throws -> [UInt8]? { try places[name].map(held.bytes) }

    /// Hands over the bytes of a file that is needed, a piece at a time.
    func read(_ name: String, _ consume: ([UInt8]) throws -> Void) throws {
        try held.read(places[name] ?? 0..<0, consume)
    }

    /// The lines of a file that is needed, without their ends; none where there is none of that name.
    func lines(_ name: String) -> Lines { Lines(held, places[name] ?? 0..<0) }

    /// Reads a file line by line.
    struct Lines {
        private static let maximumLength = 64 << 20
        private let file: UnnamedFile
        private var range: Range<Int>
        private var buffer: [UInt8] = []
        private var position = 0
        /// Up to here there is no line end behind `position`: a long line is looked through once.
        private var scanned = 0

        fileprivate init(_ file: UnnamedFile, _ range: Range<Int>) { (self.file, self.range) = (file, range) }

        /// - Returns: nil behind the last one. What has no line end is a line, too.
        mutating func next() throws -> [UInt8]? {
            while true {
                if let end = buffer[max(position, scanned)...].firstIndex(of: UInt8(ascii: "\n")) {
                    defer { (position, scanned) = (end + 1, end + 1) }
                    return Array(buffer[position..<end])
                }
                guard !range.isEmpty else {
                    defer { (buffer, position, scanned) = ([], 0, 0) }
                    return position < buffer.count ? Array(buffer[position...]) : nil
                }
                guard buffer.count - position < Lines.maximumLength else {
                    throw ArchiveError.badExport(file: nil, what: "a line is longer than 64 MiB")
                }
                let end = min(range.lowerBound + 1 << 18, range.upperBound)
                buffer.removeFirst(position)
                (position, scanned) = (0, buffer.count)
                buffer += try file.bytes(range.lowerBound..<end)
                range = end..<range.upperBound
            }
        }
    }
}
