import Foundation
import Testing

@testable import Archive

/// Users, channels, teams and members, as the server described them over time.
@Suite struct ObjectTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
    }

    private func user(_ nickname: String) -> String {
        #"{"id":"\#(alice)","username":"alice","nickname":"\#(nickname)"}"#
    }

    private func noted() async throws -> [String] {
        try await sandbox.run("sqlite3 '\(directory.archivePath)' 'SELECT json FROM object ORDER BY seq'")
            .split(separator: "\n").map(String.init)
    }

    @Test func whatIsAsBeforeIsNotNotedAgain() async throws {
        try await writer.keep("[\(user("Al"))]", .users)
        try await writer.keep("[ \(user("Al")) ]", .users)
        #expect(try await noted() == [user("Al")])
        #expect(try Archive(directory).head().documents == 2)
    }

    @Test func whatChangesAndChangesBackIsNotedThreeTimes() async throws {
        for nickname in ["Al", "Ally", "Al"] { try await writer.keep("[\(user(nickname))]", .users) }
        #expect(try await noted() == [user("Al"), user("Ally"), user("Al")])
        #expect(try Archive(directory).users().map(\.nickname) == ["Al"])
        #expect(try await Archive(directory).check().isClean)
    }

    /// Both look the same, and are different bytes.
    @Test func twoSpellingsOfANameAreAChange() async throws {
        try await writer.keep("[\(user("Ren\u{e9}"))]", .users)
        try await writer.keep("[\(user("Rene\u{301}"))]", .users)
        #expect(try await noted().count == 2)
    }

    @Test func anObjectThatAListHoldsTwiceIsNotedOnce() async throws {
        try await writer.keep("[\(user("Al")),\(user("Al"))]", .users)
        try await writer.keep("[\(user("B")),\(user("Al")),\(user("B"))]", .users)
        #expect(try await noted() == [user("Al"), user("B"), user("Al"), user("B")])
        #expect(try await Archive(directory).check().isClean)
    }

    /// One answer that describes somebody twice, first as the archive has them.
    @Test func anObjectThatAListHoldsTwiceInOtherWordsIsNoDamage() async throws {
        try await writer.keep("[\(user("Al"))]", .users)
        try await writer.keep("[\(user("Al")),\(user("Ally")),\(user("Ally")),\(user("Al"))]", .users)
        #expect(try await noted() == [user("Al"), user("Ally"), user("Al")])
        #expect(try await Archive(directory).check().isClean)
        // And what the index should have noted is missed.
        try await sandbox.tamper(directory, "DELETE FROM object WHERE seq = 3")
        let report = try await Archive(directory).check()
        #expect(report.damages.contains { $0.what.contains("does not know its description of user") })
    }

    @Test func oneObjectIsAListOfOne() async throws {
        try await writer.keep(user("Al"), .users)
        #expect(try Archive(directory).users().map(\.username) == ["alice"])
        #expect(try await Archive(directory).check().isClean)
    }

    @Test(arguments: [
        "[{}]", #"[{"id":"x"}]"#, #"[{"id":7}]"#, "[7]", "7", "{", #"[{"id":"../../../../../etc/passwd"}]"#,
    ])
    func whatHasNoIdIsRefusedWhole(_ json: String) async throws {
        await #expect(throws: ArchiveError.self) { try await writer.keep(json, .channels) }
        #expect(try Archive(directory).head().documents == 1)
    }

    @Test func membersStandUnderChannelAndUser() async throws {
        let members = [alice, bob].map { #"{"channel_id":"\#(town)","user_id":"\#($0)","roles":"channel_user"}"# }
        try await writer.keep("[\(members.joined(separator: ","))]", .members)
        try await writer.keep([PostText("p1", at: start).with { $0.user = id("ucarol") }])
        #expect(try Archive(directory).peopleIDs() == [alice, bob, id("ucarol")])
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func channelsThatOnlyPostsTellOfAreListedToo() async throws {
        let channel =
            #"{"id":"\#(town)","type":"O","team_id":"\#(id("team"))","name":"town-square","#
            + #""display_name":"Town Square","delete_at":17,"total_msg_count":8,"last_post_at":\#(start)}"#
        try await writer.keep("[\(channel)]", .channels)
        try await writer.keep([PostText("x1", at: start).with { $0.channel = id("cother") }])
        let channels = try Archive(directory).channels()
        #expect(channels.map(\.id) == [town, id("cother")])
        #expect(channels[0].kind == .open && channels[0].displayName == "Town Square" && channels[0].deleteAt == 17)
        #expect(channels[0].totalMessageCount == 8 && channels[0].lastPostAt == start)
        #expect(channels[1].kind == nil && channels[1].name == id("cother"))
    }

    @Test func countsAndLivePostsTellWhatIsThere() async throws {
        let posts = (1...9).map { PostText("p\($0)", at: start + Int64($0)) }
        try await writer.keep(posts)
        try await writer.keep([posts[3].deleted(at: start + 90), posts[5].with { $0.updateAt += 5 }])
        try await writer.keep([posts[4].revision("rev", replacedAt: start + 70)])
        let archive = try Archive(directory)
        #expect(try archive.versionCounts() == [town: 12] && archive.versionCount(after: 0) == 12)
        let live = try archive.livePosts(channelID: town, after: start + 2, limit: 4)
        #expect(live.map(\.id) == [id("p3"), id("p5"), id("p6"), id("p7")])
        #expect(live.map(\.createAt) == [3, 5, 6, 7].map { start + $0 })
    }

    @Test(arguments: [
        ("Al", "Alice", "Doe", "Al"), ("", "Alice", "Doe", "Alice Doe"), ("", "", "Doe", "Doe"), ("", "", "", "alice"),
    ])
    func aUserIsCalledByNicknameElseNameElseUsername(
        _ nickname: String, _ first: String, _ last: String, _ name: String
    ) {
        let user = User(id: alice, username: "alice", nickname: nickname, firstName: first, lastName: last)
        #expect(user.displayName == name)
    }
}

@Suite struct ChannelNameTests {
    private let names = ChannelNames(
        users: [
            User(id: alice, username: "alice", nickname: "", firstName: "", lastName: ""),
            User(id: bob, username: "bob", nickname: "Bobby", firstName: "", lastName: ""),
        ], ownID: alice)

    private func channel(_ kind: Channel.Kind?, _ name: String, _ displayName: String = "") -> Channel {
        Channel(
            id: town, kind: kind, teamID: "", name: name, displayName: displayName, deleteAt: 0, totalMessageCount: 0,
            lastPostAt: 0)
    }

    @Test func aDirectChannelIsCalledByTheOther() {
        #expect(names.label(channel(.direct, "\(alice)__\(bob)")) == "@bob")
        #expect(names.label(channel(.direct, "\(bob)__\(alice)")) == "@bob")
        #expect(names.label(channel(.direct, "\(alice)__\(alice)")) == "@alice")
        let stranger = "\(alice)__\(id("ustranger"))"
        #expect(names.label(channel(.direct, stranger)) == "@\(id("ustranger"))")
    }

    @Test func anyOtherIsCalledByItsDisplayNameElseItsNameElseItsId() {
        #expect(names.label(channel(.open, "town-square", "Town Square")) == "Town Square")
        #expect(names.label(channel(.open, "town-square")) == "town-square")
        #expect(names.label(channel(nil, "")) == town)
        #expect(names.label(channel(.group, String(repeating: "a", count: 40), "alice, bob")) == "alice, bob")
    }

    @Test func aChannelIsFoundByWhatPeopleCallIt() {
        let open = channel(.open, "town-square", "Town Square")
        for name in [town, "town-square", "Town Square", "~town-square"] { #expect(names.matches(open, name)) }
        let direct = channel(.direct, "\(alice)__\(bob)")
        for name in [town, "@bob", "bob", "Bobby", direct.name] { #expect(names.matches(direct, name)) }
        for name in ["", "alice", "@Bobby", "~bob", "Town"] { #expect(!names.matches(direct, name), "\(name)") }
        #expect(!names.matches(open, "~Town Square"))
    }
}
