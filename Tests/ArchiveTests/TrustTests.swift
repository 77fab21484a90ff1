import Bytes
import Foundation
import Testing

@testable import Archive

/// Decisions about keys: the newest counts, and none is forgotten.
@Suite struct TrustTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
    }

    private func decision(
        _ verb: TrustDecision.Verb, user: String = bob, sign: UInt8 = 2, encr: UInt8? = 1,
        by colleague: String? = nil, at time: Int64 = start
    ) -> TrustDecision {
        let at = Timestamp(milliseconds: time)
        return TrustDecision(
            userID: user, verb: verb, signingPoint: point(sign), encryptionPoint: encr.map { point($0) },
            colleague: colleague.map { .init(userID: $0, keyID: CheckTests.subjects[0], listedAt: at) }, at: at)
    }

    private func decide(_ decisions: TrustDecision...) async throws {
        try await writer.append(TrustDecision.document(decisions, at: decisions[0].at), objects: .trust)
    }

    private func list(_ entries: TrustDecision...) async throws {
        try await writer.append(
            TrustDecision.document(list: trustList(entries), at: entries[0].at), objects: .listedTrust)
    }

    @Test func theNewestDecisionCountsAndNoneIsForgotten() async throws {
        let all = [decision(.confirmed, at: 10), decision(.rejected, at: 20), decision(.withdrawn, at: 30)]
        for decision in all { try await decide(decision) }
        let archive = try Archive(directory)
        #expect(try archive.trustDecisions() == [all[2]])
        #expect(try archive.trustHistory() == all)
        #expect(try await archive.check().isClean)
    }

    /// A name may become another person's; the decision says of whom it was taken.
    @Test func aDecisionRemembersTheNameAndOldOnesReadWithoutIt() async throws {
        let named = TrustDecision(
            userID: bob, verb: .confirmed, signingPoint: point(2), encryptionPoint: point(1),
            at: Timestamp(milliseconds: start), username: "bob")
        try await decide(named, decision(.rejected, user: alice))
        let decisions = try Archive(directory).trustDecisions()
        #expect(decisions.map(\.username) == ["bob", nil])
        #expect(decisions[0] == named)
        #expect(try await Archive(directory).check().isClean)
    }

    /// A server may hand out a colleague's signing point with an encryption point of its own.
    @Test func keysThatShareASigningPointAreKeptApart() async throws {
        let decisions = [
            decision(.rejected, encr: 9), decision(.confirmed, encr: 1), decision(.adopted, encr: nil),
            decision(.confirmed, user: alice, encr: 1),
        ]
        try await decide(decisions[0], decisions[1])
        try await decide(decisions[2], decisions[3])
        #expect(try Archive(directory).trustDecisions() == decisions)
        #expect(Set(decisions[..<3].map(\.subject)).count == 3 && Set(decisions.map(\.signerID)).count == 1)
        #expect(decisions[2].keyID == nil && decisions[2].subject == decisions[2].signerID)
    }

    @Test func whatAColleagueSaysStandsBesideTheOwnersDecision() async throws {
        let own = decision(.rejected, at: 10)
        let theirs = [decision(.confirmed, by: bob, at: 20), decision(.seen, by: id("ucarol"), at: 30)]
        try await decide(own)
        try await list(theirs[0])
        try await list(theirs[1])
        #expect(try Archive(directory).trustDecisions() == [own] + theirs)
        #expect(try await Archive(directory).check().isClean)
    }

    /// A list of which nothing is new since the last one is told apart by its time.
    @Test func everyListIsKept() async throws {
        for time in [10, 20] as [Int64] { try await list(decision(.confirmed, by: bob, at: time)) }
        #expect(try Archive(directory).head().documents == 3)
        #expect(try Archive(directory).trustDecisions().map { $0.colleague?.listedAt.milliseconds } == [20])
    }

    /// Neither may pass for the other: what a colleague says is not the owner's decision.
    @Test func anOwnDecisionAndAColleaguesDoNotPassForEachOther() async throws {
        await #expect(throws: ArchiveError.self) { try await decide(decision(.confirmed, by: bob)) }
        await #expect(throws: ArchiveError.self) { try await list(decision(.confirmed)) }
        #expect(try Archive(directory).head().documents == 1)
    }

    /// A reader that does not know decisions would show what was signed by a rejected key as verified.
    @Test func anArchiveWithADecisionIsOfANewerFormat() async throws {
        #expect(try await version() == "1\n")
        try await decide(decision(.rejected))
        #expect(try await version() == "3\n")
        try await decide(decision(.withdrawn))
        #expect(try await version() == "3\n")
    }

    /// One that does not know such a decision would show less as verified than the owner said, or more.
    @Test(arguments: [TrustDecision.Verb.confirmedEarlier, .own, .accepted])
    func anArchiveWithAnAnswerAboutAKeyIsOfTheNewestFormat(_ verb: TrustDecision.Verb) async throws {
        try await decide(decision(.rejected), decision(verb, sign: 4))
        #expect(try await version() == "4\n")
        try await decide(decision(.confirmed))
        #expect(try await version() == "4\n")
        try await Archive(directory).expectClean()
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'PRAGMA user_version = 3'")
        #expect(
            try await Archive(directory).check().damages.map(\.what)
                == ["its version is 3, and its documents are those of version 4"])
    }

    @Test func aColleaguesListMayNeedTheNewestFormatToo() async throws {
        try await list(decision(.confirmed, by: bob))
        #expect(try await version() == "3\n")
        try await list(decision(.confirmedEarlier, by: bob, at: start + 1))
        #expect(try await version() == "4\n")
        try await Archive(directory).expectClean()
    }

    @Test func anOriginalIsKeptUnderItsMessage() async throws {
        let original = OriginalPost(
            postID: id("first"), ciphertext: String(repeating: "0a", count: 16), at: Timestamp(milliseconds: start))
        try await writer.append(OriginalPost.document([original], at: original.at), objects: .original)
        #expect(try await version() == "4\n")
        let row = try await sandbox.run("sqlite3 '\(directory.archivePath)' 'SELECT kind, id, json FROM object'")
        #expect(row.hasPrefix("original|\(original.ciphertext)|{\"post_id\":\"\(original.postID)\","))
        try await Archive(directory).expectClean()
        for bad in ["0A", "0", "0g"] {
            let other = OriginalPost(
                postID: id("first"), ciphertext: String(repeating: bad, count: 16), at: original.at)
            await #expect(throws: ArchiveError.self) {
                try await writer.append(OriginalPost.document([other], at: original.at), objects: .original)
            }
        }
    }

    private func version() async throws -> String {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'PRAGMA user_version'")
    }

    static let whole =
        #"{"user_id":"\#(bob)","decision":"confirmed","key_id":"\#(CheckTests.subjects[0])","#
        + #""sign":"\#(Base64.standard.encode(point(2)))","encr":"\#(Base64.standard.encode(point(1)))","decided":"2026-11-23T08:00:00.000Z"}"#

    @Test(arguments: [
        ("confirmed", "trusted"), ("confirmed", "seen"), (bob, "../etc"), ("decision", "decided"),
        (CheckTests.subjects[0], CheckTests.subjects[1]), (CheckTests.subjects[0], CheckTests.subjects[0].uppercased()),
        (#""key_id":"\#(CheckTests.subjects[0])""#, #""key_id":null"#),
        (#""encr":"\#(Base64.standard.encode(point(1)))""#, #""encr":null"#),
        (#""encr":"\#(Base64.standard.encode(point(1)))""#, #""encr":"QUJD""#),
        (Base64.standard.encode(point(2)), Base64.standard.encode(Array(point(2).dropLast()))),
        ("2026-11-23T", "2026-11-32T"), ("decided", "listed"), ("}", #","by":null}"#), ("}", #","by":"\#(bob)"}"#),
        ("}", #","user_id":"\#(bob)"}"#),
    ])
    func whatIsNoDecisionIsRefusedWhole(_ old: String, _ new: String) async throws {
        let good = Self.whole
        #expect(TrustDecision(try JSONDocument(Array(good.utf8)).root) != nil)
        let bad = good.replacing(old, with: new)
        #expect(bad != good)
        #expect(TrustDecision(try JSONDocument(Array(bad.utf8)).root) == nil, "\(bad)")
        let other = good.replacing(bob, with: alice)
        await #expect(throws: ArchiveError.self) { try await writer.keep("[\(other),\(bad)]", .trust) }
        #expect(try Archive(directory).head().documents == 1)
    }
}

/// A list as its file has it; Reader alone knows what makes a signature good.
func trustList(_ entries: [TrustDecision]) -> [UInt8] {
    var json = JSONWriter()
    json.object { json in
        json.object("list") { json in
            json.array("entries") { json in for entry in entries { entry.write(to: &json, username: "x") } }
        }
        json.string("signature", "none")
    }
    return json.bytes
}
