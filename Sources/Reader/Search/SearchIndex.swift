internal import Archive
internal import Bytes
internal import E2EE

/// The search index of an archive for one set of keys, brought up to date with the archive before anything is searched.
///
/// It consists of parts, each a range of time where it was made in one go; what a pull brings becomes a new part, and
/// when there are many small parts they become one. With a private key, parts are kept sealed on disk (`SealedFolder`);
/// without one, the index is made anew for each command.
final class SearchIndex {
    /// So many parts of about the same size become one.
    private static let fanIn = 8
    /// Parts that are kept open; those used last stay.
    private static let openParts = 32

    private let archive: Archive
    private let reader: PostReader
    private let trusted: TrustedKeys
    private let folder: SealedFolder?
    /// Versions in a part at most: what is in memory at a time while an index is made.
    private let partLength: Int
    private var manifest: IndexManifest
    /// By name, the one used last at the end.
    private var open: [(name: String, segment: SearchSegment)] = []
    /// Whether the parts in memory are nowhere else.
    private var isInMemory: Bool

    /// - Throws: `ArchiveError`.
    init(
        _ archive: Archive, reader: PostReader, trusted: TrustedKeys, keyring: Keyring, partLength: Int
    ) throws {
        self.archive = archive
        self.reader = reader
        self.trusted = trusted
        self.partLength = partLength
        folder = SealedFolder(archive.directory, keyring)
        isInMemory = folder == nil
        let vault = try archive.hash(ofDocument: 1) ?? ""
        manifest = IndexManifest(vault: vault)
        // A manifest of another archive, or of a chain that is not this one's, is as good as none.
        if let found = folder?.manifest(), found.vault == vault,
            try archive.hash(ofDocument: found.documents) == found.head
        {
            manifest = found
        }
    }

    /// The parts, the one that reaches furthest in time first.
    var parts: [IndexManifest.Part] { manifest.parts.sorted { ($0.last, $0.name) > ($1.last, $1.name) } }

    /// Whether it is kept on disk, sealed.
    var isKept: Bool { !isInMemory }

    /// - Throws: `SealedFolder.Damage`.
    func segment(_ part: IndexManifest.Part) throws(SealedFolder.Damage) -> SearchSegment {
        if let place = open.firstIndex(where: { $0.name == part.name }) {
            open.append(open.remove(at: place))
            return open[open.count - 1].segment
        }
        guard let folder else { throw SealedFolder.Damage() }
        let segment = try folder.segment(part, vault: manifest.vault)
        keep(segment, part.name)
        return segment
    }

    private func keep(_ segment: SearchSegment, _ name: String) {
        open.append((name, segment))
        if !isInMemory, open.count > SearchIndex.openParts { open.removeFirst() }
    }

    /// Forgets everything that was indexed: some of it cannot be read.
    func discard() {
        let generation = manifest.generation
        manifest = IndexManifest(vault: manifest.vault)
        manifest.generation = generation
        open = []
    }

    /// Indexes what the archive has got since the last time, and judges again what was unsettled.
    ///
    /// - Parameter progress: called with how many versions of how many are done.
    /// - Throws: `SealedFolder.Damage` where a part that has to be opened for it cannot be; what reading the archive
    ///   throws.
    func update(progress: (Int, Int) -> Void) async throws {
        let outdated = manifest.parts.filter { part in
            part.unsettled.contains { trusted.summary(of: $0.key) != $0.value }
        }
        let arrived = try archive.versionCount(after: manifest.lastVersion)
        // What may have become suspicious is indexed once more: what stands in its old place only makes a search look at it
        // twice, until the two parts become one.
        let changed = try archive.versionsWithAnotherPast(upTo: manifest.lastVersion, since: manifest.documents)
        guard arrived > 0 || !outdated.isEmpty || !changed.isEmpty else { return }
        // Where another process is at it, this one's index is for itself alone.
        let lock = folder?.lock()
        defer { withExtendedLifetime(lock) {} }
        let target = lock == nil ? nil : folder
        if target == nil { isInMemory = true }

        let absorbed = partsToAbsorb(arrived + changed.count, outdated)
        let again = try absorbed.flatMap { try segment($0).versions() } + changed
        let plan = try archive.arrivals(after: manifest.lastVersion, again: again, runLength: partLength)
        var next = manifest
        next.parts.removeAll(where: absorbed.contains)
        next.generation += 1
        (next.documents, next.head, next.lastVersion) = (plan.head.documents, plan.head.hash, plan.lastVersion)
        let maker = SearchPartMaker(reader: reader, trusted: trusted, plan: plan, manifest: next, folder: target)
        for (part, segment) in try await maker.make(progress: progress) {
            next.parts.append(part)
            if let segment { keep(segment, part.name) }
        }
        try target?.replaceManifest(next)
        manifest = next
    }

    /// Parts that are made anew together with what has arrived.
    private func partsToAbsorb(_ arrived: Int, _ outdated: [IndexManifest.Part]) -> [IndexManifest.Part] {
        var absorbed = outdated
        var rest = manifest.parts.filter { !outdated.contains($0) }
        var count = arrived + outdated.reduce(0) { $0 + $1.count }
        // Each step up, the new part has so many times the size: a version is made anew a few times in its life.
        while true {
            let alike = rest.filter { $0.count < partLength / 2 && $0.count / SearchIndex.fanIn < count }
            guard alike.count >= SearchIndex.fanIn - 1 else { return absorbed }
            absorbed += alike
            count += alike.reduce(0) { $0 + $1.count }
            rest.removeAll(where: alike.contains)
        }
    }
}
