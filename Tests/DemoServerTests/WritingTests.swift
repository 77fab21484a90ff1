import DemoServer
import Testing

/// What a client writes through the API.
struct WritingTests {
    private static func channel(_ site: Site, encrypted: Bool = false) -> String {
        if encrypted { site.world.setEncryption(site.channel, on: true) }
        return site.channel
    }

    /// The request and the answer are a 6.2 server's, but for the ids.
    @Test func aPostIsAnsweredAsCaptured() async throws {
        try await Site.with { site in
            let channel = WritingTests.channel(site, encrypted: true)
            let reply = try await site.send(
                "POST", "/api/v4/posts",
                body: #"{"channel_id": "\#(channel)", "message": "Encrypted message", "type": "custom_e2ee", "#
                    + #""props": {"e2ee": {"v": 0, "zeta": "Z1", "alpha": "A1", "encryptedData": "Y2lwaGVyLW9uZQ==", "#
                    + #""num": 1.0, "big": 9007199254740993, "uni": "\u00e9<&>\u2028"}}}"#,
                token: site.token)
            let moment = site.world.now
            #expect(reply.status == 201)
            let id = try #require(reply.object["id"] as? String)
            #expect(
                reply.text
                    == #"{"id":"\#(id)","create_at":\#(moment),"update_at":\#(moment),"edit_at":0,"delete_at":0,"#
                    + #""is_pinned":false,"user_id":"\#(site.alice)","channel_id":"\#(channel)","root_id":"","#
                    + #""original_id":"","message":"Encrypted message","type":"custom_e2ee","#
                    + #""props":{"e2ee":{"alpha":"A1","big":9007199254740992,"encryptedData":"Y2lwaGVyLW9uZQ==","#
                    + #""num":1,"uni":"é\u003c\u0026\u003e\u2028","v":0,"zeta":"Z1"}},"hashtags":"","#
                    + #""pending_post_id":"","reply_count":0,"last_reply_at":0,"participants":null,"metadata":{}}"#)
            #expect(try await site.order("per_page=200").first == id)
        }
    }

    @Test func clearTextIsRefusedInAnEncryptedChannel() async throws {
        try await Site.with { site in
            let channel = WritingTests.channel(site, encrypted: true)
            let before = site.world.posts(in: channel).count
            let reply = try await site.send(
                "POST", "/api/v4/posts", body: #"{"channel_id":"\#(channel)","message":"plain"}"#, token: site.token)
            #expect(reply.status == 400)
            #expect(reply.refusal?.hasPrefix("Post rejected by plugin.") == true)
            #expect(site.world.posts(in: channel).count == before)
        }
    }

    @Test func aPatchEditsAndADeletionLeavesATombstone() async throws {
        try await Site.with { site in
            let id = site.write(1)[0]
            let edited = try await site.send(
                "PUT", "/api/v4/posts/\(id)/patch", body: #"{"message":"edited"}"#, token: site.token)
            #expect(edited.status == 200 && edited.object["message"] as? String == "edited")
            #expect(edited.object["edit_at"] as? Int64 == site.world.now)
            let deleted = try await site.send("DELETE", "/api/v4/posts/\(id)", token: site.token)
            #expect(deleted.text == #"{"status":"OK"}"#)
            #expect(site.world.post(id)?.isTombstone == true)
            #expect(try await site.send("DELETE", "/api/v4/posts/\(id)", token: site.token).status == 404)
        }
    }

    @Test func othersPostsAreNotForTheCallerToChange() async throws {
        try await Site.with { site in
            let id = site.world.post(in: site.channel, by: site.bob, message: "mine")
            for (method, path) in [("PUT", "/patch"), ("DELETE", "")] {
                let reply = try await site.send(
                    method, "/api/v4/posts/\(id)\(path)", body: #"{"message":"yours"}"#, token: site.token)
                #expect(reply.status == 403)
            }
            #expect(site.world.post(id)?.message == "mine")
        }
    }

    @Test func aFileThatWasUploadedHangsOnThePostThatNamesIt() async throws {
        try await Site.with { site in
            let uploaded = try await site.send(
                "POST", "/api/v4/files?channel_id=\(site.channel)&filename=note.txt", body: "hello", token: site.token)
            #expect(uploaded.status == 201)
            let infos = uploaded.object["file_infos"] as? [[String: Any]]
            let file = try #require(infos?.first?["id"] as? String)
            #expect(try await site.get("/api/v4/files/\(file)").status == 404)
            let posted = try await site.send(
                "POST", "/api/v4/posts",
                body: #"{"channel_id":"\#(site.channel)","message":"look","file_ids":["\#(file)"]}"#, token: site.token)
            #expect(posted.object["file_ids"] as? [String] == [file])
            #expect(try await site.get("/api/v4/files/\(file)").text == "hello")
        }
    }

    @Test func aChannelIsMadeFilledAndArchived() async throws {
        try await Site.with { site in
            site.world.join(site.alice, site.channel)
            let body = #"{"team_id":"\#(site.team)","name":"new","display_name":"New","type":"P"}"#
            let made = try await site.send("POST", "/api/v4/channels", body: body, token: site.token)
            #expect(made.status == 201)
            let id = try #require(made.object["id"] as? String)
            #expect(try await site.send("POST", "/api/v4/channels", body: body, token: site.token).status == 400)
            let joined = try await site.send(
                "POST", "/api/v4/channels/\(id)/members", body: #"{"user_id":"\#(site.bob)"}"#, token: site.token)
            #expect(joined.status == 201 && joined.object["user_id"] as? String == site.bob)
            #expect(try await site.get("/api/v4/channels/\(id)/members").array.count == 2)
            #expect(try await site.get("/api/v4/teams/name/demo").object["id"] as? String == site.team)
            #expect(try await site.send("DELETE", "/api/v4/channels/\(id)", token: site.token).status == 200)
            let archived = try await site.get("/api/v4/channels/\(id)").object["delete_at"] as? Int64
            #expect(archived == site.world.now)
        }
    }
}
