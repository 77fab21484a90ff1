import Archive
import Bytes
import Testing

/// What is taken for an answer with posts, and what tells two versions of a post apart.
@Suite struct PostsPageTests {
    static let whole = page([
        PostText("first", at: start, "A original"),
        PostText("second", at: start + 45, "äöü \\u2028").with {
            $0.root = id("first")
            $0.type = "custom_e2ee"
            $0.props = #"{"e2ee":{"signature":"QUJD","v":1}}"#
        },
    ])

    @Test func anAnswerIsReadWhereItStands() throws {
        let page = try PostsPage(Self.whole)
        #expect(page.order == [id("second"), id("first")])
        #expect(page.posts.map(\.id) == [id("first"), id("second")])
        let second = page.posts[1]
        #expect(second.rootID == id("first") && second.type == "custom_e2ee" && second.createAt == start + 45)
        let slice = try JSONDocument(Array(Self.whole[second.range])).root
        #expect(slice["id"]?.string == second.id)
        #expect(
            Self.whole[second.range].first == UInt8(ascii: "{") && Self.whole[second.range].last == UInt8(ascii: "}"))
    }

    /// What tells versions apart is the text of the props, so that it does not matter that nobody looks into them.
    @Test func propsCountAlthoughTheyArePassedOver() throws {
        func read(_ props: String) throws -> PostHeader {
            try PostsPage(page([PostText("first", at: start, "text").with { $0.props = props }])).posts[0]
        }
        let first = try read(#"{"a":[1,2],"b":{}}"#)
        #expect(try read(#"{"a":[1,2],"b":{}}"#) == first)
        for other in [#"{"a":[1,3],"b":{}}"#, #"{"a":[1,2]}"#, "{}"] {
            let version = try read(other)
            #expect(version.said != first.said && version.identity != first.identity)
        }
        #expect(try read("{}").said == read("{ }").said)
    }

    /// As deep as a server reads what somebody posts (Go's `encoding/json`): one such post must not keep the others out.
    @Test func aPostNestedAsDeepAsAServerTakesItIsRead() throws {
        let depth = 9_998
        let deep = PostText("first", at: start, "A original").with {
            $0.props = #"{"a":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
        }
        let read = try PostsPage(page([deep, PostText("second", at: start + 45)]))
        #expect(read.posts.map(\.id) == [id("first"), id("second")])
    }

    @Test func anAnswerCutAnywhereIsRefused() {
        for count in 0..<Self.whole.count {
            #expect(throws: ArchiveError.self, "cut at \(count)") { try PostsPage(Array(Self.whole[..<count])) }
        }
    }

    @Test func aChannelWithoutPostsIsAnEmptyAnswer() throws {
        for body in [#"{"order":[],"posts":{}}"#, #"{"order":null,"posts":null,"next_post_id":""}"#] {
            let page = try PostsPage(Array(body.utf8))
            #expect(page.order.isEmpty && page.posts.isEmpty)
        }
    }

    @Test(arguments: [
        #"{"id":"api.context.session_expired.app_error","message":"","status_code":401}"#,
        "null", "{}", #"{"order":[]}"#, #"{"posts":{}}"#,
        #"{"order":[],"posts":[]}"#, #"{"order":{},"posts":{}}"#, #"{"order":"","posts":{}}"#,
        #"{"order":[7],"posts":{}}"#, #"{"order":[],"posts":7}"#,
        #"{"order":[],"posts":{}} x"#,
    ])
    func whatIsNoPageIsRefused(_ body: String) {
        #expect(throws: ArchiveError.self) { try PostsPage(Array(body.utf8)) }
    }

    @Test func anOrderThatNamesAMissingPostIsRefused() throws {
        let post = PostText("first", at: start)
        let body = #"{"order":["\#(post.id)","\#(id("other"))"],"posts":{"\#(post.id)":\#(post.json)}}"#
        #expect(throws: ArchiveError.notAPage(what: "order names a post that is missing")) {
            try PostsPage(Array(body.utf8))
        }
    }

    /// One such post must not keep the others from being archived.
    @Test(arguments: [
        ("\"id\":\"\(id("first"))\"", "\"id\":\"\(id("FIRST"))\""), ("\"id\":\"\(id("first"))\"", "\"id\":null"),
        ("\"id\":\"\(id("first"))\"", "\"id\":\"../../../../etc/passwd\""),
        ("\"id\":\"\(id("first"))\"", "\"id\":\"\(id("third"))\""),
        ("\"channel_id\":\"\(town)\"", "\"channel_id\":\"\(town)x\""),
        ("\"channel_id\":\"\(town)\"", "\"channel_id\":\"\""),
        ("\"channel_id\":\"\(town)\"", "\"channel_id\":\"\(id("elsewhere"))\""),
    ])
    func aPostWithoutAPlaceIsSetAside(_ field: String, _ replacement: String) throws {
        let text = String(decoding: page([PostText("first", at: start), PostText("second", at: start)]), as: UTF8.self)
        let changed = text.replacing(field, with: replacement, maxReplacements: 1)
        try #require(changed != text)
        let read = try PostsPage(Array(changed.utf8), channelID: town)
        #expect(read.posts.map(\.id) == [id("second")])
        #expect(read.unplaced.map(\.id) == [id("first")])
    }

    /// A member of the channel, or an import, can give a post any of these.
    @Test(
        arguments: [
            ("create_at", "-1", -1), ("create_at", "0", 0), ("create_at", "1700000000000000", 1_700_000_000_000_000),
            ("create_at", "1.0", 0), ("create_at", "\"1\"", 0), ("create_at", "18446744073709551617", 0),
            ("create_at", "9223372036854775807", .max - 1_000_000_000_000),
            ("create_at", "-9223372036854775808", 1_000_000_000_000 - .max), ("update_at", "-5", -5),
            ("delete_at", "true", 0), ("edit_at", "1e3", 0),
        ] as [(String, String, Int64)])
    func aTimeOfAnyFormKeepsThePost(_ field: String, _ value: String, _ expected: Int64) throws {
        let text = String(decoding: page([PostText("first", at: start)]), as: UTF8.self)
        let changed = text.replacing(try Regex("\"\(field)\":[0-9]+"), with: "\"\(field)\":\(value)")
        try #require(changed != text)
        let post = try PostsPage(Array(changed.utf8)).posts[0]
        let times = ["create_at": post.createAt, "update_at": post.updateAt, "edit_at": post.editAt]
        #expect((times[field] ?? post.deleteAt) == expected)
    }

    @Test(arguments: [
        ("\"user_id\":\"\(alice)\"", "\"user_id\":\"short\""), ("\"user_id\":\"\(alice)\"", "\"user_id\":7"),
        ("\"root_id\":\"\"", "\"root_id\":\"a b\""), ("\"original_id\":\"\"", "\"original_id\":\"é\""),
        ("\"type\":\"\"", "\"type\":{}"),
    ])
    func whatIsNoIdIsNotSaid(_ field: String, _ replacement: String) throws {
        let text = String(decoding: page([PostText("first", at: start)]), as: UTF8.self)
        let changed = text.replacing(field, with: replacement)
        try #require(changed != text)
        let post = try PostsPage(Array(changed.utf8)).posts[0]
        #expect(
            ["", alice].contains(post.userID) && post.rootID.isEmpty && post.originalID.isEmpty && post.type.isEmpty)
    }

    private func header(_ post: PostText) throws -> PostHeader { try #require(try PostsPage(page([post])).posts.first) }

    @Test func whatTheServerCalculatesMakesNoVersion() throws {
        let post = PostText("first", at: start, "hi")
        let other = post.with {
            $0.volatile =
                #""reply_count":3,"last_reply_at":17,"participants":[{"id":"x"}],"metadata":{"files":[{"id":"f"}]}"#
        }
        #expect(try header(post).identity == header(other).identity)
        #expect(try header(post).said == header(other).said)
    }

    /// A server that leaves an empty field out says the same as one that sends it.
    @Test func anEmptyFieldIsAMissingOne() throws {
        let post = PostText("first", at: start)
        let short =
            #"{"id":"\#(post.id)","create_at":\#(start),"update_at":\#(start),"user_id":"\#(alice)","#
            + #""channel_id":"\#(town)"}"#
        let long = post.with { $0.files = #""file_ids":[],"has_reactions":false,"remote_id":null,"# }
        let left = try PostHeader(JSONDocument(Array(short.utf8)).root)
        for other in [try header(post), try header(long), try header(post.with { $0.props = "{ }" })] {
            #expect(left.identity == other.identity && left.said == other.said)
        }
    }

    static let changes: [(String, says: Bool, @Sendable (inout PostText) -> Void)] = [
        ("message", true, { $0.message = "ho" }), ("props", true, { $0.props = #"{"x":1}"# }),
        ("props' spelling", true, { $0.props = #"{"x": 1}"# }), ("edit_at", true, { $0.editAt = 9 }),
        ("delete_at", true, { $0.deleteAt = 9 }), ("user_id", true, { $0.user = bob }),
        ("channel_id", true, { $0.channel = id("cother") }), ("root_id", true, { $0.root = id("root") }),
        ("original_id of a live post", false, { $0.original = id("orig") }),
        ("type", true, { $0.type = "system_join" }),
        ("create_at", true, { $0.createAt += 1 }), ("file_ids", true, { $0.files = #""file_ids":["a"],"# }),
        ("update_at", false, { $0.updateAt += 1 }), ("is_pinned", false, { $0.isPinned = true }),
        ("has_reactions", false, { $0.files = #""has_reactions":true,"# }),
        ("a field of the future", false, { $0.files = #""sealed":"yes","# }),
    ]

    @Test(arguments: changes.indices)
    func everyOtherFieldMakesAVersion(_ place: Int) throws {
        let (name, says, change) = Self.changes[place]
        let post = PostText("first", at: start, "hi")
        let before = try header(post)
        let after = try header(post.with(change))
        #expect(before.identity != after.identity, "\(name)")
        #expect((before.said != after.said) == says, "\(name)")
    }

    /// What a server calls a revision without an end, or of itself, is a post like any other.
    @Test func aRevisionHasAnEndAndAnIDOfItsOwn() throws {
        let post = PostText("first", at: start, "hi")
        func original(_ change: (inout PostText) -> Void) throws -> String { try header(post.with(change)).originalID }
        #expect(try original { ($0.original, $0.deleteAt) = (id("orig"), 9) } == id("orig"))
        #expect(try original { $0.original = id("orig") } == "")
        #expect(try original { ($0.original, $0.deleteAt) = (id("first"), 9) } == "")
    }

    /// Nothing of one field can be taken for a part of its neighbour.
    @Test func fieldsDoNotRunTogether() throws {
        let left = try header(PostText("first", at: start, "ab").with { $0.type = "c" })
        let right = try header(PostText("first", at: start, "b").with { $0.type = "ca" })
        #expect(left.said != right.said && left.identity != right.identity)
    }
}
