import DemoServer
import Testing

/// The bytes of answers: fields and their order as captured from a 6.2 server.
struct ShapeTests {
    @Test func aPostHasTheCapturedFieldsInTheirOrder() async throws {
        try await Site.with { site in
            let id = site.world.post(
                in: site.channel, by: site.alice, message: "E to react", type: "custom_e2ee",
                props: #"{"e2ee":{"alpha":"A1","v":0}}"#, at: 1_795_422_547_063)
            site.world.react(id, by: site.bob)
            let moment = site.world.now
            let reply = try await site.get("/api/v4/posts/\(id)")
            #expect(
                reply.text
                    == #"{"id":"\#(id)","create_at":1795422547063,"update_at":\#(moment),"edit_at":0,"delete_at":0,"#
                    + #""is_pinned":false,"user_id":"\#(site.alice)","channel_id":"\#(site.channel)","root_id":"","#
                    + #""original_id":"","message":"E to react","type":"custom_e2ee","#
                    + #""props":{"e2ee":{"alpha":"A1","v":0}},"hashtags":"","pending_post_id":"","has_reactions":true,"#
                    + #""reply_count":0,"last_reply_at":0,"participants":null,"metadata":{"reactions":[{"#
                    + #""user_id":"\#(site.bob)","post_id":"\#(id)","emoji_name":"smile","create_at":\#(moment),"#
                    + #""update_at":\#(moment),"delete_at":0,"remote_id":""}]}}"# + "\n")
        }
    }

    @Test func anEmptyPageHasTheCapturedBytes() async throws {
        try await Site.with { site in
            let reply = try await site.get("/api/v4/channels/\(site.channel)/posts?per_page=200&page=8")
            #expect(reply.text == #"{"order":[],"posts":{},"next_post_id":"","prev_post_id":""}"# + "\n")
            #expect(reply.headers["Content-Length"] == "60" && reply.headers["Content-Type"] == "application/json")
        }
    }

    @Test func aChannelHasTheCapturedFieldsInTheirOrder() async throws {
        try await Site.with { site in
            _ = site.write(1)
            let reply = try await site.get("/api/v4/channels/\(site.channel)")
            let created = reply.object["create_at"] as? Int64 ?? 0
            #expect(
                reply.text
                    == #"{"id":"\#(site.channel)","create_at":\#(created),"update_at":\#(created),"delete_at":0,"#
                    + #""team_id":"\#(site.team)","type":"O","display_name":"Tea","name":"tea","header":"","purpose":"","#
                    + #""last_post_at":\#(site.world.now),"total_msg_count":1,"extra_update_at":0,"#
                    + #""creator_id":"\#(site.alice)","scheme_id":null,"props":null,"group_constrained":null,"#
                    + #""shared":null,"total_msg_count_root":1,"policy_id":null,"#
                    + #""last_root_post_at":\#(site.world.now)}"# + "\n")
        }
    }

    @Test func theCountOfMessagesIgnoresJoinsAndKeepsTheDeleted() async throws {
        try await Site.with { site in
            let ids = site.write(2)
            site.world.delete(ids[0])
            site.world.edit(ids[1], message: "edited")
            site.world.post(in: site.channel, by: site.bob, message: "joined", type: "system_join_channel")
            let channel = try await site.get("/api/v4/channels/\(site.channel)")
            #expect(channel.object["total_msg_count"] as? Int == 2)
        }
    }

    @Test func pingAndConfigNeedNoSession() async throws {
        try await Site.with { site in
            let ping = try await site.send("GET", "/api/v4/system/ping")
            #expect(ping.status == 200 && ping.object["status"] as? String == "OK")
            let config = try await site.send("GET", "/api/v4/config/client?format=old")
            #expect(config.object["Version"] as? String == "6.2.0")
        }
    }

    @Test(
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (1_700_000_000_999, "Tue, 14 Nov 2023 22:13:20 GMT"),
            (1_709_164_800_000, "Thu, 29 Feb 2024 00:00:00 GMT"), (1_795_422_835_307, "Mon, 23 Nov 2026 08:33:55 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"), (4_107_542_399_000, "Sun, 28 Feb 2100 23:59:59 GMT"),
        ] as [(Int64, String)])
    func theDateHeaderIsTheWorldsClock(_ moment: Int64, _ date: String) async throws {
        try await Site.with { site in
            site.world.advance(by: moment - site.world.now)
            let ping = try await site.send("GET", "/api/v4/system/ping")
            #expect(ping.headers["Date"] == date)
        }
    }
}
