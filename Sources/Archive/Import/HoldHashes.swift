internal import Bytes

/// What came of holding the files of a legal hold against the hashes that its server noted in `hashes.json`
/// (mattermost-plugin-legal-hold, server/legalhold/legal_hold.go).
public struct HoldHashes: Sendable {
    /// Files that have the hash that is noted.
    public private(set) var checked = 0
    /// Files of posts that are listed and that the zip does not have, by the paths under which they are listed.
    public private(set) var missing: [String] = []
    /// Files that stand where the plugin writes none, so that it cannot have noted a hash. None of them is ever taken.
    public private(set) var foreign = 0

    /// - Parameters:
    ///   - macs: of every file in the zip, by its path.
    ///   - texts: the contents of `hashes.json` and `index.json`, by their paths.
    /// - Throws: `badExport` where a file has another hash, or has none and could have one, or where posts are missing.
    init(_ macs: [String: [UInt8]], _ texts: [String: [UInt8]]) throws(ArchiveError) {
        let lists = texts.filter { ImportFile.Entry($0.key) == .hashes }
        guard lists.count <= 1 else { throw .badExport(file: nil, what: "the legal hold has several hashes.json") }
        guard let (list, text) = lists.first, let root = try? JSONDocument(text).root, root.kind == .object else {
            throw .badExport(file: nil, what: "the legal hold has no hashes.json that can be read")
        }
        var left: [String: JSONValue] = [:]
        for (path, hash) in root.members where path != list {
            guard left.updateValue(hash, forKey: path) == nil else {
                throw .badExport(file: list, what: "it lists \(path) twice")
            }
        }
        // Earlier versions of the plugin list a post's file by where the server stores it.
        let stored = Dictionary(grouping: left.keys.filter { !HoldHashes.isFileOfPost($0) }, by: HoldHashes.ending)
        let listed = left
        for (path, mac) in macs.sorted(by: { $0.key < $1.key }) where path != list {
            var hash = listed[path]
            left[path] = nil
            if HoldHashes.isFileOfPost(path) {
                let places = stored[HoldHashes.ending(of: path)] ?? []
                if hash == nil, places.count == 1 { hash = listed[places[0]] }
                for place in places { left[place] = nil }
            } else if hash == nil, ImportFile.Entry(path) == .attachment {
                foreign += 1
                continue
            }
            guard let hash else { throw .badExport(file: path, what: "hashes.json does not list it") }
            guard let expected = hash.string.flatMap(Hex.decode), expected == mac else {
                throw .badExport(
                    file: path, what: "it does not have the hash that hashes.json states, or the secret is another one")
            }
            checked += 1
        }
        missing = left.keys.sorted()
        if let lost = missing.first(where: { ImportFile.Entry($0) != .attachment }) {
            throw .badExport(file: lost, what: "hashes.json lists it, and it is missing")
        }
    }

    private static func isFileOfPost(_ path: String) -> Bool {
        ImportedFiles.id(ofPath: path, .legalHold, zip: "") != nil
    }

    /// What the path of a post's file ends with, in a hold and on the server: `FILEID/NAME`.
    private static func ending(of path: String) -> String {
        path.split(separator: "/").suffix(2).joined(separator: "/")
    }
}
