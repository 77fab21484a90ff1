import Bytes
import Foundation
import Testing

@testable import Archive

/// What `check` says about an archive that somebody changed, or a disk damaged.
@Suite struct CheckTests {
    let sandbox: Sandbox
    let directory: AccountDirectory

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
    }

    private func fill() async throws {
        try await fillSmallArchive(directory)
    }

    private func findings() async throws -> [String] {
        try await damages(in: directory).map { "\($0.document.map { "\($0): " } ?? "")\($0.what)" }
    }

    @Test func aWholeArchiveIsClean() async throws {
        try await fill()
        let archive = try Archive(directory)
        let report = try await archive.check()
        #expect(report.isClean, "\(report.damages)")
        #expect(report.documents == 10 && report.versions == 4)
        #expect(report.head == (try archive.head().hash))
        #expect(report.bytes > 1000)
    }

    @Test func progressIsToldInOrder() async throws {
        try await fill()
        var steps: [Int] = []
        _ = try await Archive(directory).check { done, total in
            #expect(total == 10)
            steps.append(done)
        }
        #expect(steps == Array(1...10))
    }

    /// What the decisions of `fillSmallArchive` are about: a key, and a signer.
    static let subjects = [SHA256Digest(of: point(1) + point(2)).description, SHA256Digest(of: point(6)).description]
    static let index = "the index says something else about"
    static let cases: [(change: String, finding: String)] = [
        // Documents.
        ("DELETE FROM document WHERE seq = 4", "4: it is missing, and the index points to it"),
        ("DELETE FROM document WHERE seq = 5", "6: document 5 is missing"),
        ("DELETE FROM document WHERE seq IN (4, 5)", "6: documents 4 to 5 are missing"),
        ("DELETE FROM document WHERE seq = 10", "10: it is missing, and the index points to it"),
        ("DELETE FROM document", "it has no documents"),
        ("DELETE FROM document WHERE seq = 1", "2: document 1 is missing"),
        (
            "INSERT INTO document SELECT 11, record, hash, body FROM document WHERE seq = 10",
            "11: its record is that of document 10"
        ),
        (
            "UPDATE document SET seq = 90 WHERE seq = 2; UPDATE document SET seq = 2 WHERE seq = 4; UPDATE document SET seq = 4 WHERE seq = 90",
            "2: its record is that of document 4"
        ),
        ("UPDATE document SET seq = -7 WHERE seq = 2", "-7: its number is out of order"),
        (
            "UPDATE document SET seq = 9223372036854775807 WHERE seq = 10",
            "9223372036854775807: documents 10 to 9223372036854775806 are missing"
        ),
        (
            "UPDATE document SET record = replace(record, 'per_page=200', 'per_page=100') WHERE seq = 2",
            "2: its record does not have the SHA-256 noted beside it"
        ),
        ("UPDATE document SET record = '' WHERE seq = 2", "2: its record cannot be read"),
        (
            "UPDATE document SET hash = upper(hash) WHERE seq = 2",
            "2: its record does not have the SHA-256 noted beside it"
        ),
        (
            "UPDATE document SET body = zeroblob(30) WHERE seq = 2",
            "2: its compressed body does not have the recorded SHA-256"
        ),
        (
            "UPDATE document SET body = CAST(body || x'00' AS BLOB) WHERE seq = 2",
            "2: its compressed body does not have the recorded SHA-256"
        ),
        (
            "UPDATE document SET body = (SELECT body FROM document WHERE seq = 8) WHERE seq = 2",
            "2: its compressed body does not have the recorded SHA-256"
        ),
        // Versions.
        ("DELETE FROM version WHERE post_id LIKE 'p2%'", "2: the index does not know its version of post \(id("p2"))"),
        ("UPDATE version SET start = start + 1 WHERE seq = 1", "2: \(index) post \(id("p1")) than the document"),
        (
            "UPDATE version SET length = 9223372036854775807 WHERE seq = 1",
            "2: row 1 of the table version cannot be read"
        ),
        ("UPDATE version SET delete_at = 5 WHERE seq = 1", "2: \(index) post \(id("p1")) than the document"),
        ("UPDATE version SET user_id = '\(bob)' WHERE seq = 1", "2: \(index) post \(id("p1")) than the document"),
        ("UPDATE version SET said = zeroblob(16) WHERE seq = 1", "2: \(index) post \(id("p1")) than the document"),
        ("UPDATE version SET document = 3 WHERE seq = 1", "3: \(index) post \(id("p1")) than the document"),
        ("UPDATE version SET document = 77 WHERE seq = 4", "77: it is missing, and the index points to it"),
        (
            "UPDATE version SET seq = 99 WHERE seq = 1",
            "2: row 99 of the table version is out of the order of the documents"
        ),
        (
            "INSERT INTO version SELECT 50, document, start, length, post_id, channel_id, user_id, root_id, original_id, type, create_at, update_at, edit_at, delete_at, said, zeroblob(16) FROM version WHERE seq = 4",
            "4: \(index) post \(id("p1")) than the document"
        ),
        // Files that posts name.
        ("DELETE FROM attachment WHERE seq = 1", "2: \(index) the files of its posts than the document"),
        (
            "UPDATE attachment SET file_id = '\(id("f2"))' WHERE seq = 1",
            "2: \(index) the files of its posts than the document"
        ),
        (
            "UPDATE attachment SET post_id = '\(id("p2"))' WHERE seq = 1",
            "2: \(index) the files of its posts than the document"
        ),
        (
            "UPDATE attachment SET channel_id = '\(bob)' WHERE seq = 1",
            "2: \(index) the files of its posts than the document"
        ),
        ("UPDATE attachment SET size = NULL WHERE seq = 1", "2: \(index) the files of its posts than the document"),
        ("UPDATE attachment SET size = 8 WHERE seq = 2", "4: \(index) the files of its posts than the document"),
        ("UPDATE attachment SET document = 3 WHERE seq = 1", "3: \(index) the files of its posts than the document"),
        ("UPDATE attachment SET document = 77 WHERE seq = 2", "77: it is missing, and the index points to it"),
        (
            "UPDATE attachment SET seq = 99 WHERE seq = 1",
            "2: row 99 of the table attachment is out of the order of the documents"
        ),
        (
            "INSERT INTO attachment SELECT 9, document, post_id, channel_id, file_id, size FROM attachment WHERE seq = 2",
            "4: \(index) the files of its posts than the document"
        ),
        // Encrypted messages.
        ("DELETE FROM ciphertext WHERE seq = 2", "2: \(index) post \(id("p2")) than the document"),
        ("UPDATE ciphertext SET digest = zeroblob(16) WHERE seq = 2", "2: \(index) post \(id("p2")) than the document"),
        (
            "UPDATE ciphertext SET digest = CAST(digest || x'00' AS BLOB) WHERE seq = 2",
            "2: \(index) post \(id("p2")) than the document"
        ),
        (
            "UPDATE ciphertext SET digest = (SELECT digest FROM ciphertext WHERE seq = 3) WHERE seq = 2",
            "2: \(index) post \(id("p2")) than the document"
        ),
        (
            "UPDATE ciphertext SET post_id = '\(id("p3"))' WHERE seq = 2",
            "2: row 2 of the table ciphertext belongs to no version of a post"
        ),
        ("UPDATE ciphertext SET seq = 1 WHERE seq = 2", "2: \(index) post \(id("p2")) than the document"),
        (
            "UPDATE ciphertext SET seq = 99 WHERE seq = 2",
            "2: row 99 of the table ciphertext belongs to no version of a post"
        ),
        (
            "UPDATE ciphertext SET document = 3 WHERE seq = 3",
            "3: row 3 of the table ciphertext belongs to no version of a post"
        ),
        (
            "UPDATE ciphertext SET document = 1 WHERE seq = 3",
            "1: row 3 of the table ciphertext is out of the order of the documents"
        ),
        ("UPDATE ciphertext SET document = 77 WHERE seq = 3", "77: it is missing, and the index points to it"),
        (
            "INSERT INTO ciphertext SELECT 1, document, '\(id("p1"))', digest FROM ciphertext WHERE seq = 2",
            "2: \(index) post \(id("p1")) than the document"
        ),
        (
            "INSERT INTO ciphertext SELECT 9, 10, post_id, digest FROM ciphertext WHERE seq = 3",
            "10: row 9 of the table ciphertext belongs to no version of a post"
        ),
        // Users without a key.
        ("DELETE FROM keyless WHERE seq = 1", "6: \(index) users without a key than the document"),
        (
            "UPDATE keyless SET user_id = '\(alice)' WHERE seq = 1", "6: \(index) users without a key than the document"
        ),
        ("UPDATE keyless SET at = at + 1 WHERE seq = 1", "6: \(index) users without a key than the document"),
        ("UPDATE keyless SET seq = 99 WHERE seq = 1", "6: \(index) users without a key than the document"),
        ("UPDATE keyless SET document = 7 WHERE seq = 2", "7: \(index) users without a key than the document"),
        ("UPDATE keyless SET document = 77 WHERE seq = 2", "77: it is missing, and the index points to it"),
        (
            "UPDATE keyless SET document = 2 WHERE seq = 2",
            "2: row 2 of the table keyless is out of the order of the documents"
        ),
        (
            "INSERT INTO keyless SELECT 9, document, '\(bob)', at FROM keyless WHERE seq = 2",
            "6: \(index) users without a key than the document"
        ),
        (
            "INSERT INTO keyless SELECT 9, 10, user_id, at FROM keyless WHERE seq = 2",
            "10: \(index) users without a key than the document"
        ),
        // Objects.
        ("DELETE FROM object WHERE seq = 1", "3: the index does not know its description of user \(alice)"),
        ("DELETE FROM object WHERE seq = 3", "5: the index does not know its description of user \(alice)"),
        (
            "UPDATE object SET json = replace(json, 'Al', 'Bo') WHERE seq = 1",
            "3: \(index) user \(alice) than the document"
        ),
        ("UPDATE object SET json = substr(json, 1, 20) WHERE seq = 1", "3: row 1 of the table object cannot be read"),
        (
            "UPDATE object SET json = substr(json, 1, 20), length = 20 WHERE seq = 1",
            "3: \(index) user \(alice) than the document"
        ),
        ("UPDATE object SET kind = 'team' WHERE seq = 1", "3: \(index) team \(alice) than the document"),
        ("UPDATE object SET id = '\(bob)' WHERE seq = 1", "3: \(index) user \(bob) than the document"),
        ("UPDATE object SET at = at + 1 WHERE seq = 1", "3: \(index) user \(alice) than the document"),
        // Keys.
        ("DELETE FROM key_sighting WHERE seq = 1", "6: the index does not know its key"),
        ("UPDATE key_sighting SET user_id = '\(alice)' WHERE seq = 1", "6: \(index) key"),
        ("UPDATE key_sighting SET at = at + 1 WHERE seq = 1", "6: \(index) key"),
        ("UPDATE key_sighting SET source = 'own' WHERE seq = 1", "6: \(index) key"),
        (
            "UPDATE key_sighting SET source = 'friend' WHERE seq = 1",
            "6: row 1 of the table key_sighting cannot be read"
        ),
        ("UPDATE key_sighting SET sign = encr WHERE seq = 2", "7: \(index) key"),
        // Decisions about keys.
        (
            "DELETE FROM object WHERE seq = 4",
            "8: the index does not know its description of trust \(bob):\(subjects[0])"
        ),
        (
            "UPDATE object SET json = replace(json, 'rejected', 'adopted_'), id = id WHERE seq = 4",
            "8: \(index) trust \(bob):\(subjects[0]) than the document"
        ),
        (
            "UPDATE object SET id = '\(alice):\(subjects[0])' WHERE seq = 4",
            "8: \(index) trust \(alice):\(subjects[0]) than the document"
        ),
        (
            "DELETE FROM object WHERE seq = 6",
            "9: the index does not know its description of trust-list \(id("ucarol")):\(subjects[0]):\(bob)"
        ),
        (
            "UPDATE object SET kind = 'trust' WHERE seq = 6",
            "9: \(index) trust \(id("ucarol")):\(subjects[0]):\(bob) than the document"
        ),
        // The walk.
        ("DELETE FROM walk WHERE seq = 1", "2: \(index) the walk than the record"),
        ("UPDATE walk SET state = replace(state, '1', '2') WHERE seq = 1", "2: \(index) the walk than the record"),
        ("UPDATE walk SET channel_id = '\(bob)' WHERE seq = 2", "10: \(index) the walk than the record"),
        ("UPDATE walk SET at = 0 WHERE seq = 2", "10: \(index) the walk than the record"),
        (
            "INSERT INTO walk SELECT 9, channel_id, document, at, state FROM walk WHERE seq = 2",
            "10: \(index) the walk than the record"
        ),
        // What holds it together.
        ("DROP INDEX version_by_post", "the index version_by_post is not as it was made"),
        ("DROP INDEX attachment_by_file", "the index attachment_by_file is not as it was made"),
        ("DROP INDEX ciphertext_by_digest", "the index ciphertext_by_digest is not as it was made"),
        ("DROP INDEX keyless_by_user", "the index keyless_by_user is not as it was made"),
        ("CREATE TRIGGER extra AFTER INSERT ON walk BEGIN SELECT 1; END", "the trigger extra is not as it was made"),
        ("CREATE VIEW extra AS SELECT 1", "the view extra is not as it was made"),
        ("PRAGMA user_version = 2", "its version is 2, and its documents are those of version 3"),
    ]

    @Test(arguments: cases.indices)
    func aChangeIsFoundAndNamed(_ place: Int) async throws {
        let (change, finding) = Self.cases[place]
        try await fill()
        try await sandbox.tamper(directory, change)
        let found = try await findings()
        #expect(found.contains { $0.hasPrefix(finding) }, "\(change): \(found)")
    }

    /// Without the guards the archive could be changed by a slip of the program.
    @Test func aMissingGuardIsFound() async throws {
        try await fill()
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'DROP TRIGGER walk_is_never_changed'")
        #expect(try await findings() == ["the trigger walk_is_never_changed is not as it was made"])
    }

    /// Whoever rewrites a record and its hash together breaks the chain behind it.
    @Test func aForgedRecordBreaksTheChain() async throws {
        try await fill()
        let row = try #require(try Archive(directory).read { try DocumentRow.fetch($0, sequence: 3) })
        let forged = row.record.replacing("GET /", with: "PUT /")
        let hash = SHA256Digest(of: Array(forged.utf8))
        try await sandbox.tamper(
            directory, "UPDATE document SET record = '\(forged)', hash = '\(hash)' WHERE seq = 3")
        #expect(try await findings() == ["4: the chain is broken: its record names another predecessor"])
    }

    /// The chain cannot show that its end is missing; whoever noted the head down can.
    @Test func aMissingEndShowsOnlyInTheHead() async throws {
        try await fill()
        let before = try await Archive(directory).check()
        try await sandbox.tamper(
            directory, "DELETE FROM document WHERE seq = 10; DELETE FROM walk WHERE document = 10")
        let after = try await Archive(directory).check()
        #expect(after.isClean && after.head != before.head && after.documents == before.documents - 1)
    }

    @Test func damageNamesTheDocumentAndItsPosts() async throws {
        try await fill()
        try await sandbox.tamper(directory, "UPDATE document SET body = zeroblob(30) WHERE seq = 2")
        let damage = try #require(try await Archive(directory).check().damages.first)
        #expect(damage.document == 2 && damage.posts == [id("p1"), id("p2"), id("p3")])
        #expect(damage.context == "posts of channel \(town), \(Timestamp(milliseconds: start).iso8601)")
    }
}

/// Whether damage shows: the archive does not open, or its check finds something.
func isNoticed(_ directory: AccountDirectory) async throws -> Bool {
    let archive: Archive
    do { archive = try Archive(directory) } catch { return true }
    return try await !archive.check().isClean
}

/// What is wrong with an archive: what its check finds, or why nothing is asked of it.
func damages(in directory: AccountDirectory) async throws -> [CheckReport.Damage] {
    let archive: Archive
    do throws(ArchiveError) { archive = try Archive(directory) } catch {
        guard case .damagedDatabase(_, let what) = error else { throw error }
        return [.init(document: nil, context: "", what: what, posts: [])]
    }
    return try await archive.check().damages
}

/// One of everything: posts with a walk, two of them with encrypted messages, an object that changes and changes back, keys of
/// both kinds and users without one, decisions about keys, a note.
func fillSmallArchive(_ directory: AccountDirectory) async throws {
    let writer = try ArchiveWriter(directory)
    func user(_ name: String) -> String { #"[{"id":"\#(alice)","nickname":"\#(name)"}]"# }
    var posts = (1...3).map { PostText("p\($0)", at: start + Int64($0), "text") }
    posts[0].files = #""file_ids":["\#(id("f1"))"],"#
    posts[0].volatile = #""metadata":{"files":[{"id":"\#(id("f1"))","name":"a.txt","size":7}]}"#
    for place in [1, 2] { posts[place].props = message(UInt8(place)) }
    try await writer.keep(posts, walk: WalkState(cursor: 1, backward: .newest, hasAskedForPast: false))
    try await writer.keep(user("Al"), .users)
    try await writer.keep([posts[0].deleted(at: start + 50), posts[1]])
    try await writer.keep(
        #"[{"id":"\#(alice)","nickname":"Ally"},{"id":"\#(alice)","nickname":"Al"}]"#, .users)
    let key = #"{"encr":"\#(Base64.standard.encode(point(1)))","sign":"\#(Base64.standard.encode(point(2)))"}"#
    let shown = received(
        Array(#"{"pubKeys":{"\#(bob)":\#(key),"":null,"\#(id("ucarol"))":null,"\#(id("udave"))":{}}}"#.utf8), .keys,
        channel: nil)
    try await writer.append(shown, keys: sightings(in: shown))
    let own = ReceivedDocument.ownKey(
        userID: alice, encryptionPoint: point(3), signingPoint: point(4), at: Timestamp(milliseconds: start))
    try await writer.append(own, keys: sightings(in: own))
    let time = Timestamp(milliseconds: start)
    let rejection = TrustDecision(
        userID: bob, verb: .rejected, signingPoint: point(2), encryptionPoint: point(1), at: time)
    let adoption = TrustDecision(userID: bob, verb: .adopted, signingPoint: point(6), encryptionPoint: nil, at: time)
    try await writer.append(TrustDecision.document([rejection, adoption], at: time), objects: .trust)
    try await writer.append(
        TrustDecision.document(
            list: trustList([
                TrustDecision(
                    userID: id("ucarol"), verb: .confirmed, signingPoint: point(2), encryptionPoint: point(1),
                    colleague: .init(userID: bob, keyID: CheckTests.subjects[0], listedAt: time), at: time)
            ]), at: time), objects: .listedTrust)
    try await writer.note(
        WalkState(cursor: 1, backward: nil, hasAskedForPast: true), channelID: town,
        at: Timestamp(milliseconds: start))
}
