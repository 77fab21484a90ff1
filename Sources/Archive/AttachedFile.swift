public import Bytes

/// A file of a post, as the post describes it. Every name is the sender's choice.
public struct AttachedFile: Equatable, Sendable {
    public let id: String
    public let name: String?
    /// Bytes.
    public let size: Int64?
    public let mimeType: String?

    public init(id: String, name: String?, size: Int64?, mimeType: String?) {
        self.id = id
        self.name = name
        self.size = size
        self.mimeType = mimeType
    }

    /// The files that a post names in `metadata`, and those of which only the id is left; each once.
    public static func all(in post: JSONValue) -> [AttachedFile] {
        var seen: Set<String> = []
        let described = (post["metadata"]?["files"]?.elements ?? []).compactMap { file -> AttachedFile? in
            guard let id = file["id"]?.string, seen.insert(id).inserted else { return nil }
            return AttachedFile(
                id: id, name: file["name"]?.string, size: file["size"]?.int, mimeType: file["mime_type"]?.string)
        }
        let bare = (post["file_ids"]?.elements ?? []).compactMap(\.string).filter { seen.insert($0).inserted }
        return described + bare.map { AttachedFile(id: $0, name: nil, size: nil, mimeType: nil) }
    }
}
