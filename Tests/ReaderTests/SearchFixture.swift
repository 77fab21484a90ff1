import Archive
import Bytes
import Foundation
import Testing

@testable import E2EE
@testable import Reader

/// Today, for queries that say so: a day after the fixture's first post.
let today = Timestamp(milliseconds: Fixture.first + 86_400_000)

extension Fixture {
    /// A search over everything that is archived by now.
    func search(_ keys: [PrivateKey]? = nil, partLength: Int = 1 << 17) async throws -> Search {
        let archive = try archive
        let keyring = Keyring(keys ?? [own])
        let trusted = try TrustedKeys(archive, atHand: keyring.publicKeys, ownForOnce: keyring.publicKeys)
        let search = try Search(
            archive, reader: PostReader(archive, keyring: keyring, trusted: trusted), trusted: trusted,
            keyring: keyring, partLength: partLength)
        try await search.update()
        return search
    }

    /// The words that stand for the ids of what is found, in order.
    func find(
        _ query: String, _ keys: [PrivateKey]? = nil, limit: Int = 1000, order: Search.Order = .newestFirst,
        partLength: Int = 1 << 17
    ) async throws -> [String] {
        try await search(keys, partLength: partLength).find(query, limit: limit, order: order)
    }

    /// An encrypted post of Bob's that Alice can open.
    func encrypted(
        _ word: String, _ text: String, signer: PrivateKey? = nil, to recipients: [PublicKey]? = nil,
        by author: String = "bob", at: Int64 = first, editAt: Int64 = 0, deleteAt: Int64 = 0,
        in channel: String = "channel", root: String = "", original: String = ""
    ) -> (id: String, json: String) {
        Fixture.post(
            word, by: author, in: channel, root: root, original: original, at: at, editAt: editAt, deleteAt: deleteAt,
            type: "custom_e2ee", message: "Encrypted message",
            payload: Fixture.payload(text, from: signer ?? bob, to: recipients ?? [own.publicKey]))
    }

    /// The files of the sealed index, by path below its folder.
    var sealed: [String: [UInt8]] {
        get throws { try PrivateFile.isDirectory(directory.searchPath) ? Fixture.files(directory.searchPath) : [:] }
    }

    /// Puts files in place of the whole index.
    func replaceSealed(_ files: [String: [UInt8]]) throws {
        try? FileManager.default.removeItem(atPath: directory.searchPath)
        for (name, bytes) in files {
            let path = URL(fileURLWithPath: "\(directory.searchPath)/\(name)")
            try FileManager.default.createDirectory(
                at: path.deletingLastPathComponent(), withIntermediateDirectories: true)
            try Data(bytes).write(to: path)
        }
    }
}

extension Search {
    func find(_ query: String, limit: Int = 1000, order: Order = .newestFirst) async throws -> [String] {
        let (hits, _) = try await find(try SearchQuery(query, today: today), order: order, limit: limit)
        return hits.map { word(of: $0.post.header.id) }
    }
}

/// The word that `id` made an id of.
func word(of id: String) -> String {
    var rest = id[...]
    while rest.last == "0" { rest = rest.dropLast() }
    return String(rest)
}
