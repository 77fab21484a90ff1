import Bytes
import Testing

@testable import Archive
@testable import Reader

/// How renderers speak of files.
@Suite struct FileMentionTests {
    private let scratch = Scratch()
    private static let file = AttachedFile(id: id("f"), name: "a.txt", size: 3, mimeType: "text/plain")

    /// A store with one content in it.
    private func store() throws -> (FileStore, FileContent) {
        let bytes = Array("abc".utf8)
        let content = FileContent(sha256: SHA256Digest(of: bytes), size: 3)
        let name = content.sha256.description
        let directory = AccountDirectory(path: scratch.path, name: "x")
        try PrivateFile.makeDirectory(directory.filesPath)
        try PrivateFile.makeDirectory("\(directory.filesPath)/\(name.prefix(2))")
        try PrivateFile.replace("\(directory.filesPath)/\(name.prefix(2))/\(name)", with: bytes)
        return (FileStore(directory), content)
    }

    /// The versions of one post have the same files: one mail holds them, and the others say which.
    @Test func aFileStandsInOneMailOfAPostAndTheOthersNameThatMail() throws {
        let (store, content) = try store()
        var rendering = Rendering(format: .mbox)
        rendering.store = store
        rendering.states = { _ in .held(content, path: nil) }
        let post = Draft("p", plain: "now") { $0.files = [FileMentionTests.file] }
        let earlier = Draft("p", plain: "before") {
            $0.files = [FileMentionTests.file]
            $0.state = .earlier
            $0.sequence = 7
        }
        let other = Draft("q", plain: "another post with the same file") { $0.files = [FileMentionTests.file] }
        let text = try rendering.text([post, earlier, other])
        let attachments = text.split(separator: "Content-Disposition: attachment").count - 1
        #expect(attachments == 2)
        let mbox = MboxReader(Array(text.utf8))
        #expect(mbox.messages.count == 3 && mbox.complaints == [])
        let mail = try #require(mbox.messages[0]["Message-ID"])
        #expect(mbox.messages.map { $0["X-Mattermost-File-In"] } == [nil, "\(id("f")) \(mail)", nil])
        #expect(mbox.messages.allSatisfy { $0["X-Mattermost-File"] != nil })
    }

    @Test func aFileOfNoTypeIsDescribedByItsSizeAlone() throws {
        let draft = Draft("p", plain: "text") {
            $0.files = [
                AttachedFile(id: id("f"), name: "a.txt", size: 3, mimeType: ""),
                AttachedFile(id: id("g"), name: "b.txt", size: nil, mimeType: ""),
            ]
        }
        let text = try Rendering(format: .markdown).text([draft])
        #expect(text.contains("- file: a.txt (3 bytes)\n") && text.contains("- file: b.txt\n"))
    }
}
