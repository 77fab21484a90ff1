import Bytes
import E2EE
import Testing

@testable import Archive
@testable import Reader

/// Documents from which the texts of certain posts are taken out, wherever they stand.
@Suite struct RedactedDocumentTests {
    private let redacted = id("secret")
    private let author = id("carol")

    private func content(_ kind: DocumentKind, _ body: String) throws -> DocumentContent {
        let document = ReceivedDocument(
            kind: kind, request: "-", channelID: nil, receivedAt: Timestamp(milliseconds: 1_700_000_000_000),
            body: Array(body.utf8))
        let record = DocumentRecord(document, walk: nil, sequence: 7, previous: DocumentRecord.none, compressed: [1])
        return try DocumentContent(record, document.body)
    }

    private func post(_ name: String, by user: String, _ members: String) -> String {
        """
        {"id":"\(id(name))","create_at":1700000000000,"update_at":1700000000000,"edit_at":0,"delete_at":0,\
        "user_id":"\(user)","channel_id":"\(id("channel"))","root_id":"","original_id":"","type":"custom_e2ee",\(members)}
        """
    }

    private func page(_ posts: [String]) -> String { "[\(posts.joined(separator: ","))]" }

    private func rendering(_ redaction: Redaction, _ content: DocumentContent) throws -> String? {
        let rendering = try redaction.rendering(content)
        #expect(rendering == nil || rendering?.count == content.body.count)
        return rendering.map { String(decoding: $0, as: UTF8.self) }
    }

    /// The server puts a whole post into another one that has a link to it.
    @Test(arguments: [true, false])
    func aPreviewOfARedactedPost_IsTakenOut(isByUser: Bool) throws {
        let secret = post("secret", by: author, #""message":"SECRET","props":{}"#)
        let embed = #"{"embeds":[{"type":"permalink","data":{"post_id":"\#(redacted)","post":\#(secret)}}]}"#
        let quoting = post("quoting", by: id("bob"), #""message":"see","props":{},"metadata":\#(embed)"#)
        let neighbour = post("other", by: id("bob"), #""message":"hello","props":{},"metadata":{"embeds":[]}"#)
        let content = try content(.posts, page([quoting, neighbour]))
        let redaction = isByUser ? Redaction(userIDs: [author]) : Redaction(postIDs: [redacted])
        let text = try #require(try rendering(redaction, content))
        #expect(!text.contains("SECRET") && text.contains("see") && text.contains("hello"))
        #expect(!redaction.isKept(by: content))
        let shown = try self.content(.posts, text)
        #expect(redaction.isKept(by: shown) && redaction.hasReduced(shown))
        #expect(!redaction.hasReduced(try self.content(.posts, page([neighbour]))))
        // Who reacted to a post says nothing about another one.
        let reaction = #"{"reactions":[{"user_id":"\#(author)","post_id":"\#(id("other"))","emoji_name":"smile"}]}"#
        let liked = post("other", by: id("bob"), #""message":"hello","props":{},"metadata":\#(reaction)"#)
        #expect(try rendering(Redaction(userIDs: [author]), try self.content(.posts, page([liked]))) == nil)
    }

    /// What is recorded of a file tells its size and its hash.
    @Test func recordsOfFilesOfRedactedPosts_AreTakenOut() throws {
        func record(_ file: String, of post: String) -> FileRecord {
            FileRecord(
                fileID: id(file), postID: id(post), channelID: id("channel"),
                outcome: .held(FileContent(sha256: SHA256Digest(of: Array(file.utf8)), size: 9)))
        }
        let document = FileRecord.document(
            [record("hidden", of: "secret"), record("open", of: "other")], channelID: id("channel"),
            at: Timestamp(milliseconds: 1_700_000_000_000))
        let content = try content(.files, String(decoding: document.body, as: UTF8.self))
        let redaction = Redaction(postIDs: [redacted])
        let text = try #require(try rendering(redaction, content))
        #expect(!text.contains(id("hidden")) && !text.contains(SHA256Digest(of: Array("hidden".utf8)).description))
        let shown = try self.content(.files, text)
        #expect(shown.fileRecords == [record("open", of: "other")] && redaction.hasReduced(shown))
        #expect(!redaction.hasReduced(content))
    }

    /// An encrypted post stays as it came only where nothing else in it can be read.
    @Test(arguments: [
        (#""hashtags":"""#, true), (#""is_pinned":false,"reply_count":3,"last_reply_at":0"#, true),
        (#""metadata":{"reactions":[{"emoji_name":"smile"}]}"#, true), (#""metadata":{}"#, true),
        (#""message_source":"SECRET""#, false), (#""metadata":{"images":{"https://x/SECRET":{}}}"#, false),
        (#""metadata":{"embeds":[{"url":"SECRET"}]}"#, false), (#""pending_post_id":"in plain words""#, false),
        (##""hashtags":"#SECRET""##, false), (#""metadata":["SECRET"]"#, false),
    ])
    func whatStandsBesideAMessage_KeepsItFromStaying(members: String, stays: Bool) throws {
        let (sender, reader) = (PrivateKey.generate(), PrivateKey.generate())
        let message = EncryptedMessage.seal(Array("the text".utf8), from: sender, to: [reader.publicKey])
        var json = JSONWriter()
        json.object { message.write(to: &$0, "e2ee") }
        let secret = post("secret", by: author, #""message":"Encrypted message","props":\#(json.text),\#(members)"#)
        let content = try content(.posts, page([secret]))
        let text = try rendering(Redaction(postIDs: [redacted]), content)
        #expect((text == nil) == stays, "\(text ?? "")")
        #expect(text?.contains("SECRET") != true)
    }

    /// Versions of one post: the last one is how it is, and each says something else than the next.
    @Test func versionsThatContradictEachOther_AreFound() {
        func version(_ place: Int64, _ said: UInt8, _ state: PostState, redacted: Bool = false) -> ShownVersion {
            ShownVersion(sequence: place, said: [said], state: state, isRedacted: redacted)
        }
        #expect(ShownVersion.flaw(in: [version(3, 2, .live), version(1, 1, .earlier)]) == nil)
        #expect(ShownVersion.flaw(in: [version(3, 1, .live), version(2, 2, .earlier), version(1, 1, .earlier)]) == nil)
        #expect(ShownVersion.flaw(in: [version(3, 1, .live), version(1, 1, .earlier)]) != nil)
        #expect(ShownVersion.flaw(in: [version(3, 1, .earlier), version(1, 2, .live)]) != nil)
        #expect(ShownVersion.flaw(in: [version(3, 1, .deleted), version(1, 2, .live)]) != nil)
        // What was taken out may have been the difference.
        #expect(
            ShownVersion.flaw(in: [version(3, 1, .live, redacted: true), version(1, 1, .earlier, redacted: true)])
                == nil)
    }

    /// Text around a signature, or in it, that gpg passes over and people read.
    @Test func armorWithOtherText_IsNotPlain() {
        let armor = "-----BEGIN PGP SIGNATURE-----\n\niQEzBAABCAAdFiEE\n=ab12\n-----END PGP SIGNATURE-----\n"
        #expect(Gpg.isPlainArmor(Array(armor.utf8), "SIGNATURE"))
        for other in [
            "Signed by the court\n\(armor)", "\(armor)Signed by the court\n",
            armor.replacing("\n\n", with: "\nComment: court\n\n"),
            armor.replacing("=ab12\n", with: "=ab12\nby the court\n"), "\(armor)\(armor)", String(armor.dropLast()), "",
        ] {
            #expect(!Gpg.isPlainArmor(Array(other.utf8), "SIGNATURE"), "\(other)")
        }
        #expect(!Gpg.isPlainArmor(Array(armor.utf8), "PUBLIC KEY BLOCK"))
    }

    /// Two spellings of one character look the same, or do not.
    @Test func spellings_AreToldApart() {
        let (one, other) = ("\u{8C48}", "\u{F900}")
        let user = EvidenceUser(
            user: User(id: author, username: "carol", nickname: one, firstName: "", lastName: ""), document: 3)
        #expect(user.isDescribed(by: User(id: author, username: "carol", nickname: one, firstName: "", lastName: "")))
        #expect(
            !user.isDescribed(by: User(id: author, username: "carol", nickname: other, firstName: "", lastName: "")))
        #expect(
            ExportFile.Entry(name: "\u{C5}", size: 1, sha256: "")
                != ExportFile.Entry(name: "A\u{30A}", size: 1, sha256: ""))
    }
}
