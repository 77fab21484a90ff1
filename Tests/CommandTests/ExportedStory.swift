import Bytes
import DemoServer
import Foundation

/// What a server's administrator would export of a story, in either form.
struct ExportedStory {
    let story: Story
    /// Servers before 7 leave out the props of replies.
    var keepsPropsOfReplies = true

    private var people: [(name: String, id: String)] {
        [("alice", story.alice.id), ("bob", story.bob.id), ("carol", story.carol.id)]
    }

    private func username(_ id: String) -> String { people.first { $0.id == id }?.name ?? "e2ee" }

    private func quoted(_ text: String) -> String {
        var json = JSONWriter()
        json.string(nil, text)
        return json.text
    }

    // MARK: mmctl export

    /// The lines of `import.jsonl`.
    var lines: [String] {
        var lines = [
            #"{"type":"version","version":1,"info":{"generator":"mattermost-server"}}"#,
            #"{"type":"team","team":{"name":"harbour","display_name":"Harbour","type":"O"}}"#,
        ]
        for (name, label, type) in [("town-square", "Town Square", "O"), ("release", "Release 発売", "P")] {
            lines.append(
                #"{"type":"channel","channel":{"team":"harbour","name":"\#(name)","display_name":"\#(label)","type":"\#(type)"}}"#
            )
        }
        for person in people {
            lines.append(
                #"{"type":"user","user":{"username":"\#(person.name)","email":"\#(person.name)@example.org","teams":[]}}"#
            )
        }
        let places = [
            (story.square, "post", #""team":"harbour","channel":"town-square""#),
            (story.release, "post", #""team":"harbour","channel":"release""#),
            (story.direct, "direct_post", #""channel_members":["alice","bob"]"#),
        ]
        for (channel, type, place) in places {
            let posts = story.world.posts(in: channel).filter { $0.isLive }
            for root in posts where root.rootID.isEmpty {
                let replies = posts.filter { $0.rootID == root.id }.map {
                    "{\(members(of: $0, hasProps: keepsPropsOfReplies))}"
                }
                lines.append(
                    #"{"type":"\#(type)","\#(type)":{\#(place),\#(members(of: root, hasProps: true)),"#
                        + #""replies":[\#(replies.joined(separator: ","))]}}"#)
            }
        }
        return lines
    }

    private func members(of post: Post, hasProps: Bool) -> String {
        #""user":"\#(username(post.userID))","type":"\#(post.type)","message":\#(quoted(post.message)),"#
            + (hasProps ? #""props":\#(post.props),"# : "")
            + #""create_at":\#(post.createAt),"edit_at":\#(post.editAt)"#
    }

    // MARK: Legal hold

    static let columns =
        "TeamName,TeamDisplayName,ChannelName,ChannelDisplayName,ChannelType,UserUsername,UserEmail,UserNickname,PostId,"
        + "PostCreateAt,PostUpdateAt,PostDeleteAt,PostRootId,PostOriginalId,PostMessage,PostType,PostProps,PostHashtags,"
        + "PostFileIds,IsBot\n"

    static let folder = "legal_hold/case_7yqj7fq6uibr8x5zz9c1oxa3fh"

    /// The files of the hold, by path.
    var files: [String: String] {
        var files: [String: String] = [:]
        let channels = [
            (story.square, "harbour,Harbour,town-square,Town Square,O"),
            (story.release, "harbour,Harbour,release,Release 発売,P"),
            (story.direct, ",,\([story.alice.id, story.bob.id].sorted().joined(separator: "__")),,D"),
        ]
        for (channel, place) in channels {
            let posts = story.world.posts(in: channel)
            guard let first = posts.first else { continue }
            files["\(ExportedStory.folder)/\(channel)/messages/messages-\(first.createAt)-\(first.id).csv"] =
                ExportedStory.columns + posts.map { "\(place),\(row($0))\n" }.joined()
        }
        let users = people.map { #""\#($0.id)":{"username":"\#($0.name)","email":"","channels":[]}"# }
        files["\(ExportedStory.folder)/index.json"] =
            #"{"users":{\#(users.joined(separator: ","))},"legal_hold":{"id":"x","name":"case"},"teams":[]}"#
        return files
    }

    private func row(_ post: Post) -> String {
        let name = username(post.userID)
        return [
            name, "\(name)@example.org", "", post.id, "\(post.createAt)", "\(post.updateAt)", "\(post.deleteAt)",
            post.rootID, post.originalID, post.message, post.type, post.props, "", "[]", "false",
        ].map(ExportedStory.field).joined(separator: ",")
    }

    /// A field of CSV, quoted where it must be.
    static func field(_ text: String) -> String {
        text.contains { ",\"\r\n".contains($0) } || text.contains("\r\n")
            ? "\"\(text.replacing("\"", with: "\"\""))\"" : text
    }
}

extension Stage {
    /// Makes a zip of files by python's zipfile, in the folder of the stage.
    func zip(_ name: String, _ files: [(path: String, content: String)]) async throws {
        try FileManager.default.createDirectory(atPath: "\(folder)/parts", withIntermediateDirectories: true)
        var script = "import zipfile\nz = zipfile.ZipFile('\(name)', 'w', zipfile.ZIP_DEFLATED)\n"
        for (number, file) in files.enumerated() {
            try write("parts/\(number)", file.content)
            script += "z.writestr('\(file.path)', open('parts/\(number)', 'rb').read())\n"
        }
        try await python(script + "z.close()\n")
    }

    func python(_ script: String) async throws {
        try write("make.py", script)
        let outcome = try await run("python3 make.py")
        guard outcome.code == 0 else { throw StageError(what: outcome.errors) }
    }

    /// The story as a bulk export.
    func zipBulk(_ name: String = "export.zip", keepsPropsOfReplies: Bool = true) async throws {
        let export = ExportedStory(story: story, keepsPropsOfReplies: keepsPropsOfReplies)
        try await zip(
            name,
            [
                ("import.jsonl", export.lines.map { $0 + "\n" }.joined()),
                ("data/20250303/teams/harbour/ä b.txt", "a file"),
            ])
    }

    static let holdSecret = "s3cret"

    /// The story as a legal hold, with the hashes of its files.
    func zipHold(_ name: String = "hold.zip", _ change: (inout [String: String]) -> Void = { _ in }) async throws {
        var files = ExportedStory(story: story).files
        change(&files)
        try await zip(name, files.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        try await python(
            """
            import zipfile, hmac, json
            with zipfile.ZipFile('\(name)', 'a', zipfile.ZIP_DEFLATED) as z:
                hashes = {n: hmac.new(b'\(Stage.holdSecret)', z.read(n), 'sha512').hexdigest() for n in z.namelist()}
                z.writestr('\(ExportedStory.folder)/hashes.json', json.dumps(hashes))
            """)
        try write("secret.txt", Stage.holdSecret + "\n")
    }
}
