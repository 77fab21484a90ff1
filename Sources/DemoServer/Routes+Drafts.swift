import Foundation
import Synchronization

/// What somebody has written and not sent. It has no id: there is one for each user and thread, or channel.
struct Draft: Sendable {
    let userID: String
    let channelID: String
    let rootID: String
    let createAt: Int64
    var updateAt: Int64
    var message: String

    var json: String {
        "{\"create_at\":\(createAt),\"update_at\":\(updateAt),\"delete_at\":0,\"user_id\":\"\(userID)\""
            + ",\"channel_id\":\"\(channelID)\",\"root_id\":\"\(rootID)\",\"message\":\(JSONText.string(message))"
            + ",\"props\":{},\"metadata\":{}}"
    }
}

/// As measured on an 11.2 server. Encrypted channels take drafts like any other.
extension WorldState {
    static let draftRoutes = [
        Route("POST", "/api/v4/drafts") { state, call throws(Refusal) in
            guard let body = try? JSONDecoder().decode(DraftBody.self, from: Data(call.exchange.body)) else {
                throw .badParameter("draft")
            }
            guard state.isMember(call.caller, of: body.channelID) else { throw .noPermission }
            return .json(
                try state.keepDraft(body.message, by: call.caller, in: body.channelID, root: body.rootID ?? "").json,
                status: 201)
        },
        // Whoever is asked about, the answer has the caller's own.
        Route("GET", "/api/v4/users/*/teams/*/drafts") { state, call throws(Refusal) in
            let drafts = try state.keptDrafts()
            guard let team = call.captured.last, state.isMember(call.caller, ofTeam: team) else { throw .noPermission }
            let own = drafts.filter { draft in
                let teamID = state.channels[draft.channelID]?.teamID ?? ""
                return draft.userID == call.caller && (teamID == team || teamID.isEmpty)
            }.sorted { ($0.updateAt, $0.channelID, $0.rootID) > ($1.updateAt, $1.channelID, $1.rootID) }
            return .json("[" + own.map(\.json).joined(separator: ",") + "]\n")
        },
    ]

    private struct DraftBody: Decodable {
        var channelID: String
        var rootID: String?
        var message: String

        enum CodingKeys: String, CodingKey {
            case channelID = "channel_id"
            case rootID = "root_id"
            case message
        }
    }

    private func keptDrafts() throws(Refusal) -> [Draft] {
        guard (version.split(separator: ".").first.flatMap { Int($0) } ?? 0) >= 7 else { throw .noRoute }
        guard let drafts else { throw .noDrafts }
        return drafts
    }

    mutating func keepDraft(
        _ message: String, by userID: String, in channelID: String, root: String
    ) throws(Refusal) -> Draft {
        var all = try keptDrafts()
        defer { drafts = all }
        let moment = nextMoment()
        if let place = all.firstIndex(where: { ($0.userID, $0.channelID, $0.rootID) == (userID, channelID, root) }) {
            (all[place].message, all[place].updateAt) = (message, moment)
            return all[place]
        }
        all.append(
            Draft(
                userID: userID, channelID: channelID, rootID: root, createAt: moment, updateAt: moment, message: message
            ))
        return all[all.count - 1]
    }
}

extension World {
    /// Keeps what a user has begun to write, in place of what they had begun there before.
    public func draft(_ message: String, in channelID: String, by userID: String, root: String = "") {
        state.withLock { state in
            do { _ = try state.keepDraft(message, by: userID, in: channelID, root: root) } catch {
                preconditionFailure("this server keeps no drafts")
            }
        }
    }

    /// Sends or throws away what a user has begun to write: it is gone.
    public func dropDraft(in channelID: String, by userID: String, root: String = "") {
        state.withLock { state in
            state.drafts?.removeAll { ($0.userID, $0.channelID, $0.rootID) == (userID, channelID, root) }
        }
    }

    /// Switches drafts off, as the server's owner can (AllowSyncedDrafts): then it refuses to list and to take them.
    public func disableDrafts() {
        state.withLock { $0.drafts = nil }
    }
}
