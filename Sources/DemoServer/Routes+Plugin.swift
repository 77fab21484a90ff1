import Foundation

/// The E2EE plugin's own server, version 0.9.1, measured. Its refusals are plain text, and it says 401 to a
/// member of other channels as it does to nobody at all.
extension WorldState {
    private static let pluginRoutes = [
        Route("POST", "/pubkey/get") { state, call throws(Refusal) in state.answerKeys(call) },
        Route("POST", "/pubkey/push") { state, call throws(Refusal) in state.takeKey(call) },
        Route("GET", "/channel/encryption_method") { state, call throws(Refusal) in
            let id = call.exchange.query["chanID"] ?? ""
            guard let channel = state.channels[id], channel.members.contains(call.caller) else {
                return .notAMember(id, call.caller)
            }
            return .json("{\"method\":\"\(channel.isEncrypted ? "p2p" : "none")\"}\n")
        },
        Route("POST", "/channel/encryption_method") { state, call throws(Refusal) in
            let id = call.exchange.query["chanID"] ?? ""
            guard state.isMember(call.caller, of: id) else { return .notAMember(id, call.caller) }
            let method = call.exchange.query["method"] ?? ""
            guard ["p2p", "none"].contains(method) else { return .text("invalid method\n", status: 400) }
            state.setEncryption(id, on: method == "p2p", by: call.caller)
            return .empty()
        },
        Route("GET", "/gpg/key_server") { _, _ throws(Refusal) in .json("{\"url\":\"https://keys.openpgp.org/\"}\n") },
    ]

    mutating func answerPlugin(_ exchange: Exchange, _ path: [Substring], _ caller: String?) -> Answer {
        let base: [Substring] = ["plugins", "com.quarkslab.e2ee", "api", "v1"]
        guard path.starts(with: base) else { return .text("404 page not found\n", status: 404) }
        guard let caller else { return .text("Not authorized\n", status: 401) }
        let rest = Array(path.dropFirst(base.count))
        let routes = Self.pluginRoutes.filter { $0.match(rest) != nil }
        if routes.isEmpty { return .text("404 page not found\n", status: 404) }
        guard let route = routes.first(where: { $0.method == exchange.method }) else { return .empty(status: 405) }
        do throws(Refusal) {
            return try route.handler(&self, Call(exchange: exchange, caller: caller, captured: []))
        } catch {
            return error.answer(to: exchange)
        }
    }

    private struct KeyRequest: Decodable {
        var userIds: [String]?
    }

    private func answerKeys(_ call: Call) -> Answer {
        guard let request = try? JSONDecoder().decode(KeyRequest.self, from: Data(call.exchange.body)) else {
            return .text("json: cannot unmarshal into Go value of type main.GetPubKeysRequest\n", status: 400)
        }
        // Who has no key, and who does not exist, is null.
        let entries = Set(request.userIds ?? []).sorted().map { id in
            JSONText.string(id) + ":" + (keys[id]?.json ?? "null")
        }
        return .json("{\"pubKeys\":{\(entries.joined(separator: ","))}}\n")
    }

    private struct KeyPush: Decodable {
        struct Key: Decodable {
            var encr: String?
            var sign: String?
        }
        var pubkey: Key?
        var backupGPG: String?
    }

    private mutating func takeKey(_ call: Call) -> Answer {
        guard let push = try? JSONDecoder().decode(KeyPush.self, from: Data(call.exchange.body)) else {
            return .text("json: cannot unmarshal into Go value of type main.PushPubKeyRequest\n", status: 400)
        }
        let (encr, sign) = (push.pubkey?.encr ?? "", push.pubkey?.sign ?? "")
        guard let points = [encr, sign].map({ Data(base64Encoded: $0) }) as? [Data] else {
            return .text("illegal base64 data at input byte 0\n", status: 400)
        }
        // Two different uncompressed points; whether they are on the curve is left out here.
        guard points.allSatisfy({ $0.count == 65 && $0.first == 4 }), points[0] != points[1] else {
            return .text("invalid public key\n", status: 400)
        }
        _ = nextMoment()
        keys[call.caller] = PublicKeys(encr: encr, sign: sign)
        // By its source: a key that comes without a backup takes the one before away.
        backups[call.caller] = push.backupGPG
        publishKey(of: call.caller)
        return .empty()
    }
}

extension Answer {
    fileprivate static func notAMember(_ channelID: String, _ userID: String) -> Answer {
        .text(
            "GetChannelMember: No channel member found for that user ID and channel ID., resource: ChannelMember id: "
                + "channelId=\(channelID), userId=\(userID)\n", status: 401)
    }
}
