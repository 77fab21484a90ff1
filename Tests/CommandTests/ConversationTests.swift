import Testing

@testable import Archive
@testable import E2EE
@testable import Reader
@testable import mmvault

/// What a channel looks like in the terminal.
@Suite struct ConversationTests {
    /// 2025-03-03 11:06:40 UTC, a Monday
    static let start: Int64 = 1_741_000_000_000
    private let bobsKey = "not signed by the author's known key"

    /// A post; whatever is not said is harmless. Minutes count from the start.
    private func post(
        _ id: String, _ text: PostText, by user: String = "bob", at minute: Int64 = 0, root: String = "",
        of original: String = "", edited: Int64? = nil, deleted: Int64? = nil, state: PostState = .live,
        type: String = "custom_e2ee", _ verdict: Verdict? = nil, files: [AttachedFile] = [], reason: String = ""
    ) -> ReadPost {
        func time(_ minute: Int64?) -> Int64 { minute.map { ConversationTests.start + $0 * 60_000 } ?? 0 }
        let usual: Verdict =
            switch text {
            case .plain, .unknown: Verdict(authenticity: nil, content: .plain)
            case .verified: Verdict(authenticity: .verified, content: .decrypted)
            case .unanswered: Verdict(authenticity: .newKeyUnanswered, content: .decrypted)
            case .unverified: Verdict(authenticity: .signatureInvalid, content: .decrypted)
            case .unreadable: Verdict(authenticity: .verified, content: .notForUs)
            }
        return ReadPost(
            header: StoredVersion.Header(
                sequence: 1, documentSequence: 1, id: id, channelID: "c", userID: user, rootID: root,
                originalID: original, type: type, createAt: time(minute), updateAt: time(minute),
                editAt: time(edited), deleteAt: time(deleted)),
            state: state, verdict: verdict ?? usual, signedBy: nil, openedBy: nil, text: text, files: files,
            reason: reason)
    }

    private func verified(_ text: String) -> PostText { .verified(VerifiedText(Array(text.utf8))) }
    private func unverified(_ text: String) -> PostText { .unverified(UnverifiedText(Array(text.utf8))) }

    private func user(_ name: String, _ nickname: String = "") -> User {
        User(id: name, username: name, nickname: nickname, firstName: "", lastName: "")
    }

    private func shown(
        _ posts: [ReadPost], width: Int = 60, cutsWords: Bool = true, isColoured: Bool = false,
        order: PostQuery.Order = .threads, isEncrypted: Bool = true, target: Conversation.Target = .nothing,
        users: [User] = [], roots: [ReadPost] = [], missing: [String: String] = [:]
    ) throws -> String {
        let people = People(
            account: Account(server: "https://chat.example.org", userID: "alice", username: "alice"),
            users: [user("alice", "Alice"), user("bob", "Bob"), user("carol")] + users, teams: [], names: [])
        let channel = Channel(
            id: "c", kind: .private, teamID: "", name: "release", displayName: "Release", deleteAt: 0,
            totalMessageCount: 0, lastPostAt: 0)
        var conversation = Conversation(
            channel, people,
            layout: Conversation.Layout(width: width, cutsWords: cutsWords, isColoured: isColoured), order: order,
            isEncrypted: isEncrypted, target: target, root: { id in roots.first { $0.header.id == id }?.header },
            missing: { missing[$0.id] })
        var lines: [String] = []
        var rest = posts[...]
        while let first = rest.first {
            let versions = rest.prefix { $0.header.identityID == first.header.identityID }
            lines += try conversation.lines(Array(versions))
            rest = rest.dropFirst(versions.count)
        }
        return lines.joined(separator: "\n")
    }

    private func day(_ name: String, _ mark: String = "─", width: Int = 60) -> String {
        let start = "\n\(mark)─ \(name) "
        return start + String(repeating: "─", count: width + 1 - start.count) + "\n\n"
    }

    @Test func thread_StandsUnderItsFirstPost() throws {
        let text = try shown([
            post("p", verified("Shall we meet?\n\nAt ten, as always, or is there anything that speaks against it?")),
            post("q", verified("Yes"), by: "carol", at: 1, root: "p"),
            post("r", verified("Too late"), by: "alice", at: 1440, root: "p"),
            post("s", verified("Next"), at: 1441),
        ])
        #expect(
            text == day("Monday, 2025-03-03") + """
                11:06  Bob (@bob)
                       Shall we meet?

                       At ten, as always, or is there anything that speaks
                       against it?
                  ↳ 11:07  @carol
                           Yes
                  ↳ 2025-03-04 11:06  Alice (@alice)
                           Too late

                """ + day("Tuesday, 2025-03-04") + """
                    11:07  Bob (@bob)
                           Next
                    """)
    }

    @Test func edit_ShowsWhatItSaidBefore() throws {
        let old = post("r", verified("Tomorrow"), of: "p", deleted: 4, state: .revision)
        let text = try shown([
            post("p", verified("Friday"), edited: 4), old,
            // The archive saw the same words itself, before the server called them an old revision.
            post("p", verified("Tomorrow"), state: .earlier),
            post("p", verified("Now"), by: "carol", state: .earlier),
        ])
        #expect(
            text == day("Monday, 2025-03-03") + """
                11:06  Bob (@bob) · edited 11:10
                       Friday
                    -- said before, until 11:10:
                     - Tomorrow
                    -- said before by @carol:
                     - Now
                """)
        #expect(
            try shown([old]).contains("Bob (@bob) · said before, by a post that is not here\n     - Tomorrow"))
        let blank = post(
            "r", .unknown, of: "p", deleted: 4, state: .revision, type: "", reason: "the server does not say what")
        #expect(
            try shown([post("p", .plain("x"), edited: 4, type: ""), blank], isEncrypted: false)
                .hasSuffix("    -- said before, until 11:10:\n    -* (the server does not say what)"))
    }

    /// The server shows an old revision without its text; its author's history, or an import, has it under the same id.
    @Test func aRevisionSeenWithItsText_IsShownOnce() throws {
        let why = "the server does not say what"
        func revision(_ text: PostText, files: [AttachedFile] = []) -> ReadPost {
            post(
                "r", text, of: "p", deleted: 4, state: .revision, type: "", files: files,
                reason: text == .unknown ? why : "")
        }
        let now = post("p", .plain("now"), edited: 4, type: "")
        for versions in [
            [revision(.unknown), revision(.plain("before"))], [revision(.plain("before")), revision(.unknown)],
        ] {
            let text = try shown([now] + versions, isEncrypted: false)
            #expect(text.hasSuffix("       now\n    -- said before, until 11:10:\n     - before"), "\(text)")
        }
        // Nothing is left out that stands nowhere else.
        let file = AttachedFile(id: "f", name: "plan.pdf", size: nil, mimeType: nil)
        let text = try shown(
            [now, revision(.unknown, files: [file]), revision(.plain("before"))], isEncrypted: false)
        #expect(text.contains(why) && text.contains("plan.pdf"))
    }

    /// Neither who said what before, nor that there is no text, can be said by a text.
    @Test func theProgramsWords_StandBehindGuttersThatNoTextHas() throws {
        let forged = "said before by Bob (@bob):\nI did it\n[No text (verified, notForUs)]\n(no text)\n* x\n-- y"
        let texts: [PostText] = [verified(forged), unverified(forged), .plain(forged)]
        for text in texts {
            let lines = try shown([post("p", verified("x"), edited: 1), post("p", text, state: .earlier)])
                .split(separator: "\n").map(String.init)
            #expect(lines.count { $0.hasPrefix("    --") } == 1 && lines.contains("    -- said before:"))
            #expect(!lines.contains { $0.prefix(7).contains("*") })
            let live = try shown([post("p", text)]).split(separator: "\n").map(String.init)
            #expect(!live.contains { $0.prefix(7).contains("*") || $0.hasPrefix("    --") })
        }
    }

    @Test func deletion_IsSaid() throws {
        let text = try shown(
            [
                post(
                    "p", .unknown, deleted: 2, state: .deleted, type: "", reason: "the server no longer says what"),
                post("p", .plain("hunter2"), state: .earlier, type: ""),
            ], isEncrypted: false)
        #expect(
            text == day("Monday, 2025-03-03") + """
                11:06  Bob (@bob) · deleted 11:08
                     * (the server no longer says what)
                    -- said before:
                     - hunter2
                """)
    }

    @Test func unverifiedText_IsMarkedOnEveryLine() throws {
        let long = Array(repeating: "Pay to this account, at once.", count: 40).joined(separator: " ") + "\n\nBob\n\n"
        let lines = try shown([post("p", unverified(long), reason: bobsKey)], isColoured: false)
            .split(separator: "\n", omittingEmptySubsequences: false).drop { !$0.hasPrefix("11:06") }
        #expect(
            lines.dropFirst().prefix(2) == [
                "     ! NOT VERIFIED (signatureInvalid: not signed by the", "     ! author's known key)",
            ])
        #expect(lines.count > 20 && lines.dropFirst().allSatisfy { $0.hasPrefix("     !") })
        #expect(lines.suffix(2) == ["     !", "     ! Bob"])
        // An old one that is not verified is both.
        let old = try shown([
            post("p", verified("x"), edited: 1), post("p", unverified("y"), state: .earlier, reason: bobsKey),
        ])
        #expect(old.hasSuffix("    -! author's known key)\n    -! y"))
    }

    @Test func plainText_IsMarkedWhereOthersAreEncrypted() throws {
        let posts = [post("p", .plain("Hello\nthere"), type: "")]
        #expect(
            try shown(posts).hasSuffix("11:06  Bob (@bob) · not encrypted, not signed\n     : Hello\n     : there"))
        #expect(try shown(posts, isEncrypted: false).hasSuffix("11:06  Bob (@bob)\n       Hello\n       there"))
    }

    @Test func absentText_SaysWhy() throws {
        let closed = post("p", .unreadable, reason: "encrypted for one key that is not at hand")
        #expect(
            try shown([closed], width: 90).hasSuffix(
                "\n     * [No text (verified, notForUs: encrypted for one key that is not at hand)]"))
        #expect(try shown([post("p", verified(" \n"))]).hasSuffix("\n     * (no text)"))
        #expect(try shown([post("p", unverified(""))]).hasSuffix("\n    !* (no text)"))
    }

    @Test func files_AreNamedInTheGutter() throws {
        func file(_ name: String?, _ size: Int64?) -> AttachedFile {
            AttachedFile(id: "f1", name: name, size: size, mimeType: nil)
        }
        let files = [
            file("plan.pdf", 1234), file("\u{202E}fdp.exe\n11:06  Bob", 1), file(nil, nil), file("a", 3 << 30),
            file("b", 1 << 20), file("c", 150 << 10),
        ]
        #expect(
            try shown([post("p", verified(""), files: files)]).hasSuffix(
                """
                11:06  Bob (@bob)
                     + file plan.pdf, 1.2 KiB
                     + file \\u{202E}fdp.exe\\u{A}11:06  Bob, 1 byte
                     + file f1
                     + file a, 3 GiB
                     + file b, 1 MiB
                     + file c, 150 KiB
                """))
    }

    @Test func aFileThatIsNotHere_SaysWhy() throws {
        let file = AttachedFile(id: "f1", name: "CON", size: 100, mimeType: nil)
        let text = try shown([post("p", verified("x"), files: [file])], missing: ["f1": "the server has it no longer"])
        #expect(text.hasSuffix("\n     + file CON, 100 bytes: not here, the server has it no\n     + longer"))
    }

    @Test func whatTheServerSaysOfAChannelNoLonger_StandsAboveIt() {
        func heading(_ deleteAt: Int64, _ absence: NoticedAbsence?) -> [String] {
            var channel = Channel(
                id: "c", kind: .private, teamID: "", name: "release", displayName: "Release", deleteAt: deleteAt,
                totalMessageCount: 0, lastPostAt: 0)
            channel.absence = absence
            let people = People(
                account: Account(server: "https://chat.example.org", userID: "alice", username: "alice"), users: [],
                teams: [], names: [])
            return Conversation(channel, people, layout: Conversation.Layout(), order: .time, isEncrypted: false)
                .heading
        }
        let start = ConversationTests.start
        #expect(heading(0, nil).count == 2)
        #expect(
            heading(start, NoticedAbsence(reason: .notListed, since: Timestamp(milliseconds: start))).suffix(2) == [
                "no longer listed by the server since 2025-03-03; kept as it is",
                "archived on the server on 2025-03-03",
            ])
    }

    @Test func systemPosts_StandInBrackets() throws {
        var told = post("r", .plain("joined\nthe channel"), type: "system_x")
        told.isToldByType = true
        let text = try shown([
            post("p", .plain("bob joined the channel."), type: "system_join_channel"),
            post("q", .plain("bob changed the header to: a\n11:06  Alice (@alice)"), type: "system_header_change"),
            told, post("s", verified("Hi")),
            post("t", .plain("a\tb " + String(repeating: "word ", count: 12)), type: "system_x"),
        ])
        #expect(
            text == day("Monday, 2025-03-03") + """
                11:06  [system: bob joined the channel.]
                11:06  [system: bob changed the header to: a
                       11:06  Alice (@alice)]
                11:06  [system: Bob (@bob) joined
                       the channel]

                11:06  Bob (@bob)
                       Hi

                11:06  [system: a b word word word word word word word word
                       word word word word]
                """)
    }

    @Test func stretchOfTime_SaysWhereRepliesBelong() throws {
        let root = post("p", verified("Root"), by: "carol", at: -1440)
        let text = try shown(
            [
                post("a", verified("one"), at: 0, root: "p"), post("b", verified("two"), at: 1, root: "p"),
                post("c", verified("three"), at: 2), post("d", verified("four"), at: 3, root: "p"),
                post("e", verified("five"), at: 4, root: "gone"),
            ], order: .time, target: .post("d"), roots: [root])
        #expect(
            text == day("Monday, 2025-03-03") + """
                  ⋮ replies to @carol, 2025-03-02 11:06 (--thread p)
                  ↳ 11:06  Bob (@bob)
                           one
                  ↳ 11:07  Bob (@bob)
                           two

                11:08  Bob (@bob)
                       three

                  ⋮ replies to @carol, 2025-03-02 11:06 (--thread p)
                > ↳ 11:09  Bob (@bob)
                           four

                  ⋮ replies to a post that is not in the archive
                  ↳ 11:10  Bob (@bob)
                           five
                """)
        let next = post("q", verified("Next day"), root: "p")
        #expect(
            try shown([root, next], order: .time).hasSuffix(
                day("Monday, 2025-03-03") + "  ↳ 11:06  Bob (@bob)\n           Next day"))
        #expect(try shown([root], target: .post("p")).hasSuffix("> 11:06  @carol\n       Root"))
        #expect(try shown([root], order: .time, target: .day("2025-03-02")).hasPrefix("\n>─ Sunday, 2025-03-02 ──"))
    }

    @Test func wideCharacters_TakeTwoColumns() throws {
        let text = try shown([post("p", verified("発売日の予定は未定です。来週の会議で決めます。"))], width: 40)
        #expect(text.hasSuffix("       発売日の予定は未定です。来週の会\n       議で決めます。"))
    }

    /// Whatever a text holds, none of its lines begins where a heading does.
    @Test(arguments: [
        "11:06  Alice (@alice)", "\n\n11:06  Alice (@alice)\n       Forged", "\r11:06  Alice", "\u{1B}[1G11:06  Alice",
        "\u{1B}[2J\u{1B}[H", "\u{2028}11:06  Alice", "\u{85}11:06", "\u{202E}forged",
        "\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}\u{8}11:06",
        "\t\t\t\t\t\t\t\t\t\t\t\tfar", "── Monday, 2025-03-03 ──", "  ↳ 11:07  Alice (@alice)", "```\n11:06\n```",
        String(repeating: "x", count: 53) + "11:06\u{A0}\u{A0}Alice\u{A0}(@alice)",
        String(repeating: "👨‍👩‍👧", count: 20) + "11:06  Alice", String(repeating: " ", count: 60) + "11:06  Alice",
        String(repeating: "e\u{301}", count: 200), String(repeating: "\u{0BA8}\u{0BBF}", count: 100),
    ])
    func text_ForgesNoHeading(text: String) throws {
        for kind in [verified(text), unverified(text), .plain(text)] {
            let lines = try shown([post("p", kind), post("q", kind, root: "p"), post("q", kind, state: .earlier)])
                .split(separator: "\n", omittingEmptySubsequences: false)
            let own = lines.filter { !$0.isEmpty && !$0.hasPrefix("    ") }
            #expect(own.count == 3 && own[0].hasPrefix("── Monday") && own[1].hasPrefix("11:06  Bob"))
            #expect(own.last?.hasPrefix("  ↳ 11:06  Bob (@bob)") == true)
            for line in lines {
                #expect(line.reduce(0) { $0 + $1.mostColumns } <= 60, "\(line)")
                #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E || $0.value == 0x85 })
            }
        }
    }

    @Test(arguments: [
        "Alice (@alice)\n11:06  Bob", "\u{1B}[31m", "\u{202E}ecilA", String(repeating: "👨‍👩‍👧", count: 12) + "11:06", "",
        "11:06", " ",
    ])
    func name_ForgesNoHeading(name: String) throws {
        let lines = try shown(
            [post("p", verified("Hi"), by: "eve")], users: [user("eve", name)]
        ).split(separator: "\n")
        let own = lines.dropFirst().filter { !$0.hasPrefix("       ") }
        #expect(own.count == 1 && own[0].hasPrefix("11:06  "))
        #expect(lines.joined().contains("@eve"))
        for line in lines {
            #expect(line.reduce(0) { $0 + $1.mostColumns } <= 60)
            #expect(!line.unicodeScalars.contains { $0.value < 32 || $0.value == 0x202E })
        }
    }

    @Test func colours_AddNothingButThemselves() throws {
        let posts = [
            post("p", unverified("Pay"), reason: bobsKey), post("q", .plain("Hi"), root: "p", type: ""),
            post("q", .plain("Ho"), root: "p", state: .earlier, type: ""),
        ]
        let coloured = try shown(posts, isColoured: true)
        #expect(coloured.contains("     \u{1B}[1;31m!\u{1B}[0m \u{1B}[1;31mNOT VERIFIED"))
        #expect(coloured.contains("     \u{1B}[1;31m!\u{1B}[0m Pay"))
        #expect(coloured.replacing(/\u{1B}\[[0-9;]*m/, with: "") == (try shown(posts)))
    }

    @Test func reactionsAndPins_AreShown_AndNamesOfWebhooksAreNotTheAuthors() throws {
        var liked = post("p", verified("Done."))
        liked.circumstances.isPinned = true
        liked.circumstances.reactions = [
            .init(emoji: "+1", userIDs: ["alice", "carol"]), .init(emoji: "\u{1B}[31m", userIDs: ["nobody"]),
        ]
        var hooked = post("q", .plain("Build 7"), at: 1)
        hooked.circumstances.postedAs = "Alice (@alice)"
        let text = try shown([liked, hooked])
        #expect(text.contains("11:06  Bob (@bob) · pinned\n       Done.\n     + :+1: @alice, @carol\n"))
        #expect(text.contains("     + :\\u{1B}[31m: @nobody\n"))
        #expect(text.contains("11:07  Bob (@bob) as “Alice (@alice)” · not"))
    }
}
