import Testing

@testable import Archive
@testable import E2EE
@testable import Reader

/// What can be told of a channel from outside.
@Suite struct SurveyTests {
    /// Whoever looks for the backup of a lost key must not be sent after one that opens nothing more.
    @Test func whichKeysWouldOpenMoreIsToldOfClosedPostsAlone() async throws {
        let fixture = try Fixture()
        try await fixture.addPeople()
        let (own, bob, stranger) = (fixture.own.publicKey, fixture.bob.publicKey, fixture.stranger.publicKey)
        try await fixture.addPage([
            fixture.encrypted("open", "o", to: [own, bob]), fixture.encrypted("both", "b", to: [own, stranger]),
            fixture.encrypted("closed", "c", to: [stranger]), Fixture.post("plain", message: "p"),
        ])
        let archive = try fixture.archive
        let channel = try #require(try archive.channels().first { $0.id == id("channel") })
        let survey = try await Survey(archive, atHand: [own.id]).run(channel)
        #expect(survey.closed == 1 && survey.closedFor == [stranger.id: 1])
        #expect(survey.openableBy == [own.id: 2, bob.id: 1, stranger.id: 2])
        #expect(try await Survey(archive, atHand: []).run(channel).closedFor == survey.openableBy)
    }
}
