import DemoServer
import Testing

/// Who is turned away, with which status and which id.
struct RefusalTests {
    private let unknown = String(repeating: "z", count: 26)

    @Test func aMissingOrDeadSessionIs401() async throws {
        try await Site.with { site in
            let none = try await site.send("GET", "/api/v4/users/me")
            #expect(none.status == 401 && none.refusal == "api.context.session_expired.app_error")
            #expect(try await site.get("/api/v4/users/me").status == 200)
            site.world.revoke(site.token)
            let dead = try await site.get("/api/v4/channels/\(site.channel)/posts")
            #expect(dead.status == 401 && dead.refusal == "api.context.session_expired.app_error")
            #expect(dead.headers["Content-Type"] == "application/json")
            #expect(
                dead.text
                    == #"{"id":"api.context.session_expired.app_error","#
                    + #""message":"Invalid or expired session, please login again.","detailed_error":"","#
                    + #""request_id":"\#(dead.headers["X-Request-Id"] ?? "")","status_code":401}"#)
        }
    }

    @Test func aCookieWinsOverTheHeader() async throws {
        try await Site.with { site in
            let me = try await site.send("GET", "/api/v4/users/me", token: site.token, cookie: "MMAUTHTOKEN=\(unknown)")
            #expect(me.status == 401)
        }
    }

    @Test func forbiddenAndMissingChannelsLookTheSame() async throws {
        try await Site.with { site in
            let secret = site.world.addChannel(
                team: site.team, name: "secret", displayName: "Secret", type: .private, members: [site.bob])
            for channel in [secret, unknown] {
                for end in ["posts", "stats", "members"] {
                    let reply = try await site.get("/api/v4/channels/\(channel)/\(end)")
                    #expect(reply.status == 403 && reply.refusal == "api.context.permissions.app_error")
                }
            }
            let missing = try await site.get("/api/v4/channels/\(unknown)")
            #expect(missing.status == 404 && missing.refusal == "app.channel.get.existing.app_error")
            #expect(try await site.get("/api/v4/channels/\(secret)").status == 403)
        }
    }

    @Test func aPrivateChannelOneHasLeftIsClosed() async throws {
        try await Site.with { site in
            let secret = site.world.addChannel(
                team: site.team, name: "secret", displayName: "Secret", type: .private,
                members: [site.bob, site.alice])
            let post = site.world.post(in: secret, by: site.bob, message: "m")
            site.world.leave(site.alice, secret)
            #expect(try await site.get("/api/v4/channels/\(secret)/posts").status == 403)
            let single = try await site.get("/api/v4/posts/\(post)")
            #expect(single.status == 403 && single.refusal == "api.context.permissions.app_error")
        }
    }

    @Test func anOpenChannelOneHasLeftStillGivesSinglePosts() async throws {
        try await Site.with { site in
            let post = site.write(1)[0]
            site.world.leave(site.alice, site.channel)
            let list = try await site.get("/api/v4/channels/\(site.channel)/posts")
            let single = try await site.get("/api/v4/posts/\(post)")
            #expect(list.status == 403 && single.status == 200)
            site.world.join(site.alice, site.channel)
            #expect(try await site.get("/api/v4/channels/\(site.channel)/posts").status == 200)
        }
    }

    @Test func whatIsNotLiveIsNotFoundByItsID() async throws {
        try await Site.with { site in
            let ids = site.write(2)
            site.world.edit(ids[0], message: "edited")
            site.world.delete(ids[1])
            let revision = site.world.posts(in: site.channel).first(where: \.isOldRevision)?.id ?? ""
            for id in [ids[1], revision, unknown] {
                let reply = try await site.get("/api/v4/posts/\(id)")
                #expect(reply.status == 404 && reply.refusal == "app.post.get.app_error")
            }
        }
    }

    @Test(arguments: [
        ("channels/short", "channel_id"), ("channels/short/posts", "channel_id"),
        ("channels/short/members", "channel_id"),
        ("posts/short", "post_id"), ("users/short", "user_id"), ("files/short", "file_id"),
    ])
    func malformedIdentifiersAre400(_ path: String, _ parameter: String) async throws {
        try await Site.with { site in
            let reply = try await site.get("/api/v4/\(path)")
            #expect(reply.status == 400 && reply.refusal == "api.context.invalid_url_param.app_error")
            #expect(
                reply.object["message"] as? String == "Invalid or missing \(parameter) parameter in request URL.")
        }
    }

    @Test(arguments: ["since=abc", "before=short", "after=short"])
    func nonsenseInTheQueryIs400(_ query: String) async throws {
        try await Site.with { site in
            let reply = try await site.get("/api/v4/channels/\(site.channel)/posts?\(query)")
            #expect(reply.status == 400 && reply.refusal == "api.context.invalid_body_param.app_error")
        }
    }

    @Test func unknownRoutesAndWrongMethodsAre404InPlainText() async throws {
        try await Site.with { site in
            for (method, path) in [("GET", "/api/v4/nope/nope"), ("PATCH", "/api/v4/posts")] {
                let reply = try await site.send(method, path, token: site.token)
                #expect(reply.status == 404 && reply.refusal == "api.context.404.app_error")
                #expect(reply.headers["Content-Type"] == "text/plain; charset=utf-8")
                #expect(reply.text.contains("url='\(path)'"))
            }
        }
    }

    @Test func thePluginSays401ToNonMembersTooAndInPlainText() async throws {
        try await Site.with { site in
            let secret = site.world.addDirectChannel(site.bob, site.bob)
            let target = Site.plugin + "/channel/encryption_method?chanID=\(secret)"
            let nonmember = try await site.get(target)
            #expect(nonmember.status == 401)
            #expect(nonmember.text.hasSuffix("channelId=\(secret), userId=\(site.alice)\n"))
            let nobody = try await site.send("GET", target)
            #expect(nobody.status == 401 && nobody.text == "Not authorized\n")
            for reply in [nonmember, nobody] {
                #expect(reply.headers["Content-Type"] == "text/plain; charset=utf-8")
            }
            #expect(try await site.get("/api/v4/users/me").status == 200, "the session is not lost")
        }
    }

    @Test func thePluginsUnknownRoutesAndMethods() async throws {
        try await Site.with { site in
            let missing = try await site.get(Site.plugin + "/nope")
            #expect(missing.status == 404 && missing.text == "404 page not found\n")
            let other = try await site.get("/plugins/com.example.missing/api/v1/x")
            #expect(other.status == 404 && other.text == "404 page not found\n")
            let method = try await site.get(Site.plugin + "/pubkey/get")
            #expect(method.status == 405 && method.text.isEmpty)
        }
    }
}
