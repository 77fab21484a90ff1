import Bytes
import TestSupport
import Testing

@testable import Archive

/// What a time-stamp response proves, and which bytes are one. The authority is stock openssl's.
@Suite(.enabled(if: TimeStampAuthority.isPossible, "needs openssl")) struct TimeStampTests {
    private static let digest = SHA256Digest(of: Array("a record".utf8))

    private static func with(
        _ body: (_ sandbox: Sandbox, _ authority: TimeStampAuthority, _ response: [UInt8]) async throws -> Void
    ) async throws {
        let sandbox = try Sandbox()
        let authority = try await TimeStampAuthority("\(sandbox.path)/tsa", called: "Zürich <b>\u{202E}")
        try await body(sandbox, authority, try await authority.answer(TimeStampToken.request(for: digest)))
    }

    private static func certificates(_ authority: TimeStampAuthority) throws -> [UInt8] {
        try #require(try PrivateFile.read(authority.certificates))
    }

    private static func what(_ response: [UInt8]) -> String? {
        do throws(ArchiveError) { _ = try TimeStampToken(response) } catch {
            return if case .badTimeStamp(let what) = error { what } else { "\(error)" }
        }
        return nil
    }

    @Test func request_IsTheOneThatOpensslWrites() async throws {
        let request = try await TimeStampAuthority.request(for: Self.digest.description)
        #expect(TimeStampToken.request(for: Self.digest) == request)
    }

    @Test func token_SaysWhatWasStampedWhenAndByWhom() async throws {
        try await Self.with { _, authority, response in
            let token = try TimeStampToken(response)
            #expect(token.imprint == Self.digest)
            #expect(abs(token.time.milliseconds - Timestamp.now.milliseconds) < 60_000)
            #expect(token.authority == "O = \"Zürich <b>\u{202E}\", CN = Time Stamps", "\(token.authority)")
            let certificates = try Self.certificates(authority)
            #expect(token.judgement(by: try #require(TimeStampAuthorities(pem: certificates))) == .trusted)
            // Its own certificate is judged as of the token's time, and not as of now.
            guard let parsed = TimeStampResponse(response) else { throw ArchiveError.badTimeStamp(what: "unread") }
            let later = Timestamp(milliseconds: token.time.milliseconds + 31 * 86_400_000)
            guard let expired = CertificateStore(certificates, at: later) else {
                throw ArchiveError.badTimeStamp(what: "no store")
            }
            #expect(parsed.flaw(trusting: expired) == "certificate has expired")
        }
    }

    @Test func otherAuthority_DoesNotVouchForIt() async throws {
        try await Self.with { sandbox, authority, response in
            let other = try await TimeStampAuthority("\(sandbox.path)/other", called: "Zürich <b>\u{202E}")
            let others = try Self.certificates(other)
            let token = try TimeStampToken(response)
            let judgement = token.judgement(by: try #require(TimeStampAuthorities(pem: others)))
            guard case .untrusted = judgement else {
                Issue.record("\(judgement)")
                return
            }
            let both = try #require(TimeStampAuthorities(pem: others + Self.certificates(authority)))
            #expect(token.judgement(by: both) == .trusted)
        }
    }

    @Test(arguments: [
        "", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\n",
    ])
    func fileWithoutCertificates_IsRefused(text: String) { #expect(TimeStampAuthorities(pem: Array(text.utf8)) == nil) }

    @Test func refusalsAndOtherResponses_AreNoTokens() async throws {
        try await Self.with { sandbox, authority, response in
            let request = TimeStampToken.request(for: Self.digest)
            let refusal = try #require(Self.what(try await authority.answer(request, refuses: true)))
            #expect(refusal.hasPrefix("the authority gave no time stamp: status 2, “"), "\(refusal)")
            let long = String(repeating: "ab", count: 64)
            let sha512 = try await TimeStampAuthority.request(for: long, "-sha512 -cert")
            #expect(Self.what(try await authority.answer(sha512)) == "it is not a time stamp of a SHA-256")
            let bare = try await TimeStampAuthority.request(for: Self.digest.description, "-sha256")
            let without = try #require(Self.what(try await authority.answer(bare)))
            #expect(without.hasPrefix("its signature does not verify"), "\(without)")
            let none = "it is no time-stamp response (RFC 3161, in DER)"
            for bytes in [[], [0x30], Array("hello".utf8), request, response + [0], response + response] {
                #expect(Self.what(bytes) == none)
            }
            #expect(Self.what([UInt8](repeating: 0x30, count: TimeStampToken.maximumSize + 1)) == none)
        }
    }

    /// Hostile bytes do no harm: wherever one differs, it is refused, or nothing that it says differs.
    @Test func changedBytes_NeverSayAnythingElse() async throws {
        try await Self.with { _, _, response in
            let token = try TimeStampToken(response)
            for count in response.indices { #expect(Self.what(Array(response[..<count])) != nil) }
            for place in response.indices {
                for bits: UInt8 in [0x01, 0x80, 0xFF] {
                    var changed = response
                    changed[place] ^= bits
                    guard let other = try? TimeStampToken(changed) else { continue }
                    #expect(other.imprint == token.imprint && other.time == token.time, "byte \(place)")
                }
            }
        }
    }

    // MARK: In an archive

    private static func archive(_ sandbox: Sandbox) async throws -> (writer: ArchiveWriter, head: SHA256Digest) {
        let writer = try ArchiveWriter(try sandbox.account())
        let head = try Archive(writer.directory).document(await writer.end).record.hash
        return (writer, head)
    }

    @Test func archive_KeepsATimeStampOfItsChainOnce() async throws {
        try await Self.with { sandbox, authority, foreign in
            let (writer, head) = try await Self.archive(sandbox)
            await #expect(throws: ArchiveError.self) { try await writer.append(timeStamp: foreign, at: .now) }
            let response = try await authority.answer(TimeStampToken.request(for: head))
            // The archive may have grown meanwhile.
            try await writer.note(WalkState(cursor: 1, backward: nil, hasAskedForPast: true), channelID: town, at: .now)
            let (stamp, isNew) = try await writer.append(timeStamp: response, at: .now)
            #expect(isNew && stamp.sequence == 3 && stamp.covered == 1 && stamp.token.imprint == head)
            let again = try await writer.append(timeStamp: response, at: .now)
            #expect(!again.isNew && again.stamp.sequence == 3)
            let archive = try Archive(writer.directory)
            #expect(try archive.document(3).body == response)
            let report = try await archive.check()
            #expect(report.isClean && report.documents == 3, "\(report.damages)")
            #expect(report.timeStamps.map(\.covered) == [1])
        }
    }

    @Test func check_NamesATimeStampOfSomethingElse() async throws {
        try await Self.with { sandbox, authority, foreign in
            let (writer, head) = try await Self.archive(sandbox)
            let response = try await authority.answer(TimeStampToken.request(for: head))
            var broken = response
            broken[response.count - 5] ^= 1
            let cases: [(request: String, body: [UInt8], what: String)] = [
                ("time-stamp 1", foreign, "it is not a time stamp of the record of document 1"),
                ("time-stamp 2", response, "it is not a time stamp of the record of document 2"),
                ("time-stamp 4", response, "its record does not say of which document before it is a time stamp"),
                ("time-stamp 01", response, "its record does not say of which document before it is a time stamp"),
                ("-", response, "its record does not say of which document before it is a time stamp"),
                ("time-stamp 1", broken, "its signature does not verify: signature failure"),
                ("time-stamp 1", Array("{}".utf8), "it is no time-stamp response (RFC 3161, in DER)"),
            ]
            for (request, body, _) in cases {
                let document = ReceivedDocument(
                    kind: .timeStamp, request: request, channelID: nil, receivedAt: .now, body: body)
                try await writer.insert(document, walk: nil) { _, _ in }
            }
            let report = try await Archive(writer.directory).check()
            #expect(report.damages.map(\.what) == cases.map(\.what))
            #expect(report.damages.map(\.document) == (2...8).map { Int64($0) })
            #expect(report.timeStamps.isEmpty)
        }
    }
}
