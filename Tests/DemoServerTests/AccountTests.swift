import DemoServer
import Testing

/// Logging in, and what an account is told of people, teams, channels and keys.
struct AccountTests {
    private func logIn(_ site: Site, _ body: String) async throws -> Site.Reply {
        try await site.send("POST", "/api/v4/users/login", body: body)
    }

    @Test func aLoginAnswersTheTokenInAHeader() async throws {
        try await Site.with { site in
            let reply = try await logIn(site, #"{"login_id":"alice","password":"wonderland"}"#)
            #expect(reply.status == 200 && reply.object["id"] as? String == site.alice)
            let token = try #require(reply.headers["Token"])
            let me = try await site.get("/api/v4/users/me", token: token)
            #expect(me.status == 200 && me.text == reply.text)
            #expect(reply.headers["Set-Cookie"] == nil)
        }
    }

    @Test(arguments: [
        #"{"login_id":"alice","password":"looking glass"}"#, #"{"login_id":"nobody","password":"wonderland"}"#, "{}",
        "{bad",
    ])
    func aWrongPasswordAndAnUnknownUserLookTheSame(_ body: String) async throws {
        try await Site.with { site in
            let reply = try await logIn(site, body)
            #expect(reply.status == 401)
            #expect(reply.refusal == "api.user.login.invalid_credentials_email_username")
            #expect(reply.headers["Token"] == nil)
        }
    }

    @Test func aSecondFactorIsAskedForOnlyAfterTheFirst() async throws {
        try await Site.with { site in
            site.world.addUser(username: "carol", password: "secret", mfaCode: "123456")
            let wrong = try await logIn(site, #"{"login_id":"carol","password":"wrong"}"#)
            #expect(wrong.refusal == "api.user.login.invalid_credentials_email_username")
            let missing = try await logIn(site, #"{"login_id":"carol","password":"secret"}"#)
            #expect(missing.status == 401 && missing.refusal == "mfa.validate_token.authenticate.app_error")
            let bad = try await logIn(site, #"{"login_id":"carol","password":"secret","token":"654321"}"#)
            #expect(bad.status == 401 && bad.refusal == "api.user.check_user_mfa.bad_code.app_error")
            let good = try await logIn(site, #"{"login_id":"carol","password":"secret","token":"123456"}"#)
            #expect(good.status == 200 && good.headers["Token"] != nil)
        }
    }

    @Test func directAndGroupChannelsAreUnderEveryTeam() async throws {
        try await Site.with { site in
            let other = site.world.addTeam(name: "other", displayName: "Other", members: [site.alice])
            let direct = site.world.addDirectChannel(site.bob, site.alice)
            let own = site.world.addDirectChannel(site.alice, site.alice)
            let group = site.world.addGroupChannel([site.alice, site.bob])
            let teams = try await site.get("/api/v4/users/me/teams")
            #expect(Set(teams.array.compactMap { $0["id"] as? String }) == [site.team, other])
            let here = try await site.get("/api/v4/users/me/teams/\(site.team)/channels")
            let there = try await site.get("/api/v4/users/\(site.alice)/teams/\(other)/channels")
            #expect(Set(here.array.compactMap { $0["id"] as? String }) == [site.channel, direct, own, group])
            #expect(Set(there.array.compactMap { $0["id"] as? String }) == [direct, own, group])
            let channels = Dictionary(uniqueKeysWithValues: here.array.map { ($0["id"] as? String ?? "", $0) })
            #expect(channels[direct]?["name"] as? String == [site.alice, site.bob].sorted().joined(separator: "__"))
            #expect(channels[own]?["name"] as? String == "\(site.alice)__\(site.alice)")
            #expect(channels[direct]?["team_id"] as? String == "" && channels[direct]?["display_name"] as? String == "")
            #expect((channels[group]?["name"] as? String)?.wholeMatch(of: /[0-9a-f]{40}/) != nil)
            #expect(channels[group]?["display_name"] as? String == "alice, bob")
        }
    }

    @Test func archivedChannelsAreListedOnlyOnRequestAndStillRead() async throws {
        try await Site.with { site in
            _ = site.write(1)
            site.world.archiveChannel(site.channel)
            let without = try await site.get("/api/v4/users/me/teams/\(site.team)/channels")
            #expect(without.array.isEmpty)
            for list in ["teams/\(site.team)/channels", "channels"] {
                let with = try await site.get("/api/v4/users/me/\(list)?include_deleted=true")
                #expect(with.array.first?["delete_at"] as? Int64 == site.world.now)
            }
            #expect(try await site.order("per_page=1") != [])
        }
    }

    @Test func membersComeInPages() async throws {
        try await Site.with { site in
            for number in 0..<5 { site.world.join(site.world.addUser(username: "u\(number)"), site.channel) }
            var members: [String] = []
            for page in 0..<4 {
                let reply = try await site.get("/api/v4/channels/\(site.channel)/members?per_page=2&page=\(page)")
                members += reply.array.compactMap { $0["user_id"] as? String }
            }
            let stats = try await site.get("/api/v4/channels/\(site.channel)/stats")
            #expect(members.count == 7 && Set(members).count == 7)
            #expect(stats.object["member_count"] as? Int == 7)
        }
    }

    @Test func unknownUsersAreDroppedFromAListAndAnEmptyListIs400() async throws {
        try await Site.with { site in
            let body = #"["\#(site.bob)","zzzzzzzzzzzzzzzzzzzzzzzzzz","bad","\#(site.alice)"]"#
            let reply = try await site.send("POST", "/api/v4/users/ids", body: body, token: site.token)
            #expect(Set(reply.array.compactMap { $0["id"] as? String }) == [site.alice, site.bob])
            #expect(reply.array.allSatisfy { $0["notify_props"] == nil })
            for bad in ["[]", "{}"] {
                let refused = try await site.send("POST", "/api/v4/users/ids", body: bad, token: site.token)
                #expect(refused.status == 400 && refused.refusal == "api.context.invalid_body_param.app_error")
            }
        }
    }

    @Test func usersAreFoundByIDAndByName() async throws {
        try await Site.with { site in
            let byID = try await site.get("/api/v4/users/\(site.bob)")
            let byName = try await site.get("/api/v4/users/username/bob")
            #expect(byID.status == 200 && byID.text == byName.text)
            #expect(try await site.get("/api/v4/users/username/nobody").status == 404)
            #expect(try await site.get("/api/v4/users/zzzzzzzzzzzzzzzzzzzzzzzzzz").status == 404)
        }
    }

    @Test func aPushedKeyReplacesTheOneBefore() async throws {
        try await Site.with { site in
            func ask() async throws -> String {
                let body = #"{"userIds":["\#(site.bob)","nosuchuser","\#(site.alice)"]}"#
                return try await site.send("POST", Site.plugin + "/pubkey/get", body: body, token: site.token).text
            }
            site.world.pushKey(site.alice, encr: "AAA=", sign: "BBB=")
            site.world.pushKey(site.alice, encr: "CCC=", sign: "DDD=")
            let entries = [
                site.alice: #"{"sign":"DDD=","encr":"CCC="}"#, site.bob: "null", "nosuchuser": "null",
            ].sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }
            let answer = try await ask()
            #expect(answer == "{\"pubKeys\":{\(entries.joined(separator: ","))}}\n")
        }
    }

    @Test func theServerTakesOnlyKeysOfTheRightForm() async throws {
        try await Site.with { site in
            let one = "BA" + String(repeating: "A", count: 85) + "="
            let other = "BB" + String(repeating: "B", count: 85) + "="
            for (encr, sign, status) in [(one, other, 200), (one, one, 400), (one, "AAAA", 400), ("***", one, 400)] {
                let body = #"{"pubkey":{"encr":"\#(encr)","sign":"\#(sign)"},"backupGPG":null}"#
                let reply = try await site.send("POST", Site.plugin + "/pubkey/push", body: body, token: site.token)
                #expect(reply.status == status)
            }
        }
    }

    @Test func switchingEncryptionPostsTheBotsNotice() async throws {
        try await Site.with { site in
            let target = Site.plugin + "/channel/encryption_method?chanID=\(site.channel)"
            #expect(try await site.get(target).text == "{\"method\":\"none\"}\n")
            let set = try await site.send("POST", target + "&method=p2p", token: site.token)
            #expect(set.status == 200 && set.text.isEmpty)
            #expect(try await site.get(target).text == "{\"method\":\"p2p\"}\n")
            #expect(site.world.setEncryption(site.channel, on: true) == nil, "nothing changes, nothing is posted")
            let page = try await site.page("per_page=1")
            let notice = try #require(page.posts.values.first)
            #expect(
                (notice["message"] as? String)?.hasPrefix("@all: message on this channel are now encrypted. ") == true)
            #expect((notice["props"] as? [String: Any])?["from_bot"] as? String == "true")
            let bot = try await site.get("/api/v4/users/\(notice["user_id"] as? String ?? "")")
            #expect(bot.object["is_bot"] as? Bool == true)
        }
    }

    @Test func aFileIsGoneOnceItsPostIsDeleted() async throws {
        try await Site.with { site in
            let id = site.world.post(
                in: site.channel, by: site.bob, message: "m",
                files: [Attachment(name: "../../evil name.txt", content: Array("text".utf8))])
            let file = try #require(site.world.post(id)?.files.first?.id)
            let content = try await site.get("/api/v4/files/\(file)")
            let info = try await site.get("/api/v4/files/\(file)/info")
            #expect(content.text == "text" && content.headers["Content-Length"] == "4")
            #expect(info.object["name"] as? String == "../../evil name.txt" && info.object["size"] as? Int == 4)
            site.world.delete(id)
            let gone = try await site.get("/api/v4/files/\(file)")
            #expect(gone.status == 404 && gone.refusal == "app.file_info.get.app_error")
        }
    }
}
