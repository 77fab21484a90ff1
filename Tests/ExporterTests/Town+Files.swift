import Archive
import DemoServer
import TestSupport

@testable import Exporter

extension Patience {
    /// Gives up at the second failure.
    static let hasty = Patience(attempts: 2, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
}

extension ServerRequest {
    var isAboutFiles: Bool { path.hasPrefix("/api/v4/files/") }
}

/// Files that hang on posts.
extension Town {
    /// The bytes of a file, which follow from its size and the seed.
    static func content(_ size: Int, seed: UInt8 = 1) -> [UInt8] {
        (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) ^ seed }
    }

    @discardableResult
    func post(_ files: (name: String, content: [UInt8])...) -> String {
        world.post(
            in: channel, by: bob, message: "files", files: files.map { Attachment(name: $0.name, content: $0.content) })
    }

    var fileRequests: [ServerRequest] { server.requests.filter(\.isAboutFiles) }

    /// The contents of the files that the archive holds, in the order of the posts.
    func heldContents() throws -> [[UInt8]] {
        let store = FileStore(try directory())
        return try archive().namedFiles().compactMap { $0.record?.content }.map { content in
            var bytes: [UInt8] = []
            try store.read(content.sha256) { chunk throws(ArchiveError) in bytes += chunk }
            return bytes
        }
    }

    /// Every file below the store, by its path.
    func storedNames() async throws -> [String] {
        let files = try directory().filesPath
        return try await StockTool.shell("[ ! -d '\(files)' ] || find '\(files)' -type f -printf '%P\\n' | sort")
            .split(separator: "\n").map(String.init)
    }
}
