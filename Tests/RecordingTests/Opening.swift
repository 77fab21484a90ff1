import Bytes
import E2EE

/// Which posts of the recording name a key among their recipients, told from their JSON alone.
enum Opening {
    static func posts(_ keys: [PrivateKey]) throws -> Set<String> {
        let wanted = Set(keys.map { Base64.standard.encode($0.id.bytes) })
        var ids: Set<String> = []
        for file in try Fixture.names where file.hasSuffix(".posts.json") {
            let posts = try JSONDocument(Fixture.bytes(file)).root["posts"]?.members ?? []
            for (id, post) in posts {
                let pairs = post["props"]?["e2ee"]?["encryptedKey"]?.elements ?? []
                let recipients = pairs.compactMap { $0.elements.first?.string }
                if recipients.contains(where: wanted.contains) { ids.insert(id) }
            }
        }
        return ids
    }
}
