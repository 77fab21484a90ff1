import Testing

@testable import Archive

/// What versions have in common.
@Suite struct VersionGroupTests {
    let sandbox: Sandbox
    let archive: Archive
    let groups: VersionGroups
    private let key = VersionGroups.Key("kind", [1])

    /// Posts a, b and c of three moments, and what a said before.
    init() async throws {
        sandbox = try Sandbox()
        let directory = try sandbox.account()
        let a = PostText("a", at: start)
        try await ArchiveWriter(directory).keep([
            a, PostText("b", at: start + 1), PostText("c", at: start + 2).with { $0.type = "system_x" },
            a.revision("d", replacedAt: start + 3),
        ])
        archive = try Archive(directory)
        groups = try archive.versionGroups()
    }

    private func version(_ name: String) throws -> Int64 {
        try #require(try archive.header(ofPost: id(name))).sequence
    }

    @Test func aPostIsToldOnceWhateverItSaidBefore() throws {
        for name in ["d", "b", "a", "a"] { try groups.put(version(name), into: key) }
        #expect(try groups.posts(of: key).map(\.id) == [id("a"), id("b")])
        #expect(try groups.posts(of: VersionGroups.Key("kind", [2])).isEmpty)
    }

    @Test func anotherMarkIsNoticed() throws {
        #expect(try !groups.put(version("a"), into: key, mark: [1]))
        #expect(try !groups.put(version("b"), into: key, mark: [1]))
        #expect(try groups.marks(of: key) == 1)
        #expect(try groups.put(version("c"), into: key, mark: [2]))
        #expect(try groups.marks(of: key) == 2)
    }

    @Test func whatIsInAnotherGroupIsLeftOut() throws {
        let other = VersionGroups.Key("other kind", [1])
        for name in ["a", "b", "c"] { try groups.put(version(name), into: key) }
        try groups.put(version("b"), into: other)
        #expect(try groups.posts(of: key, exceptIn: [other]).map(\.id) == [id("a"), id("c")])
        #expect(try groups.contains(allOf: other, in: key))
        #expect(try !groups.contains(allOf: key, in: other))
    }

    @Test func kindsAndPartsDoNotRunTogether() {
        let keys: Set<VersionGroups.Key> = [
            .init("a", [1, 2]), .init("a", [1], [2]), .init("b", [1, 2]), .init("a", [], [1, 2]), .init("a"),
        ]
        #expect(keys.count == 5)
    }

    @Test func aQueryMayAskForTypes() throws {
        let plan = try archive.plan(PostQuery(channelID: town, types: ["system_x", "system_y"]))
        #expect(try plan.load(0..<plan.count).map(\.header.id) == [id("c")])
        #expect(try archive.plan(PostQuery(channelID: town, types: [])).count == 0)
    }

    @Test func postsAreFoundByTheirIDs() throws {
        let ids = (0..<2500).map { id("x\($0)") } + ["b", "a"].map { id($0) }
        #expect(try archive.posts(ids).map(\.id) == [id("a"), id("b")])
        #expect(try archive.posts([]).isEmpty)
    }
}
