import Testing

@testable import Archive
@testable import Reader

@Suite("The names of an export's files")
struct ExportNameTests {
    static let table =
        hostileNames + [
            ".", "..", "...", "../x", "/etc/passwd", "con", "NUL.txt", "aux", "COM1", "com¹.x", "con.\u{301}",
            ".hidden",
            ".\u{301}hidden", "trailing.", "trailing. . .", "trailing ", "-rf", "a\\b", "a:b", "C:\\x", "~", "*", "?",
            "|",
            String(repeating: "é", count: 1000), String(repeating: "👩‍👩‍👧", count: 300), "／etc", "\u{2024}\u{2024}",
        ]

    @Test("a component is one, visible, short and nobody's device", arguments: table)
    func component(_ name: String) {
        let result = ExportName.component(name)
        let scalars = Array(result.unicodeScalars)
        #expect(!result.isEmpty && result.utf8.count <= 81)
        #expect(!scalars.contains { "/\\:*?\"<>| ".unicodeScalars.contains($0) })
        #expect(scalars.first != "." && scalars.first != "-" && scalars.last != ".")
        let stem = String(String.UnicodeScalarView(scalars.prefix { $0 != "." })).lowercased()
        #expect(!["con", "prn", "aux", "nul", "com1", "lpt9", "com¹"].contains(stem))
        #expect(SafeText.line(result) == result)
        #expect(ExportName.component(name) == result)
    }

    @Test(
        "what people recognise stays",
        arguments: ["town-square", "@alice", "日本語", "año", "a.b_c+d", "हिन्दी"])
    func kept(_ name: String) { #expect(ExportName.component(name).count { $0 == "_" } == name.count { $0 == "_" }) }

    private func paths(_ channels: [Channel], teams: [String] = ["team"]) -> [String: String] {
        let teams = teams.enumerated().map { Team(id: id("team\($0.offset)"), name: $0.element, displayName: "") }
        return ExportName.paths(channels, teams: teams, names: ChannelNames(users: [], ownID: id("alice")))
    }

    @Test("no two channels share a file, not even where case or the encoding of accents is ignored")
    func collisions() {
        var names = [
            "x", "X", "a/b", "a_b", "a:b", "caf\u{E9}", "cafe\u{301}", "straße", "STRASSE", "ſ", "s", "\u{212A}", "k",
        ]
        names += ["same", "same"]
        names +=
            names.indices.map { "x-\(id("c\($0)z"))" } + ["X-\(id("c0z").uppercased())", "x-\(id("c0z"))-\(id("c1z"))"]
        names += ExportNameTests.table
        let channels = names.enumerated().map { Channel.named($0.element, id: "c\($0.offset)z", team: "team0") }
        let result = paths(channels)
        #expect(result.count == channels.count)
        #expect(Set(result.values.map { $0.uppercased().lowercased() }).count == channels.count)
        #expect(result.values.allSatisfy { $0.split(separator: "/", omittingEmptySubsequences: false).count == 2 })
        #expect(result == paths(channels.reversed()))
    }

    @Test("a name that is alone stands alone; one that ends like an id gets its own")
    func plain() {
        let channels = [
            Channel.named("town", id: "a", team: "team0"), .named("town-\(id("a"))", id: "b", team: "team0"),
        ]
        #expect(
            paths(channels) == [id("a"): "team/town", id("b"): "team/town-\(id("a"))-\(id("b"))"])
    }

    @Test(
        "no team's folder has the name of one of the export's files",
        arguments: [
            "INCOMPLETE", "incomplete", "SHA256SUMS", "manifest.json", "posts.jsonl", "Manifest.JSON",
        ])
    func teams(_ name: String) {
        #expect(paths([.named("x", id: "a", team: "team0")], teams: [name]) == [id("a"): "_\(name)/x"])
    }

    @Test("teams of one name keep their channels apart")
    func sameTeams() {
        let channels = [Channel.named("x", id: "a", team: "team0"), .named("x", id: "b", team: "team1")]
        let result = paths(channels, teams: ["T", "t"])
        #expect(result == [id("a"): "T/x-\(id("a"))", id("b"): "t/x-\(id("b"))"])
    }
}
