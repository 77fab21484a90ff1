import Foundation
import NIOCore
import NIOHTTP1
import NIOWebSocket
import Synchronization

/// Serves one connection of `/api/v4/websocket`.
struct LiveConnection {
    typealias Socket = NIOAsyncChannel<WebSocketFrame, WebSocketFrame>

    static let path = "/api/v4/websocket"

    let world: World
    /// The token of the upgrade's header or cookie; without one, the client has to send a challenge.
    let token: String?
    let query: [String: String]

    private struct Action: Decodable {
        struct Payload: Decodable { var token: String? }
        var seq: Int?
        var action: String?
        var data: Payload?
    }

    func serve(_ socket: Socket) async {
        let (signals, outlet) = AsyncStream.makeStream(of: LiveSignal.self)
        try? await socket.executeThenClose { inbound, outbound in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await send(signals, outbound) }
                group.addTask { try await listen(inbound, outlet) }
                defer { group.cancelAll() }
                try await group.next()
            }
        }
    }

    private func send(
        _ signals: AsyncStream<LiveSignal>, _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>
    ) async throws {
        var isSilent = false
        for await signal in signals {
            switch signal {
            case .frame(let text) where !isSilent:
                try await outbound.write(WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text)))
            case .frame: break
            case .silence: isSilent = true
            case .hangUp: return
            }
        }
    }

    private func listen(_ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ outlet: LiveHub.Outlet) async throws
    {
        var hold = attach(token, outlet)
        defer { if let hold { world.state.withLock { $0.hub.detach(hold) } } }
        for try await frame in inbound {
            switch frame.opcode {
            case .text:
                let action = try? JSONDecoder().decode(Action.self, from: Data(frame.unmaskedData.readableBytesView))
                let sequence = action?.seq ?? 0
                switch action?.action {
                case "authentication_challenge":
                    hold = hold ?? attach(action?.data?.token, outlet)
                    guard hold != nil else { return }
                    outlet.yield(.frame("{\"status\":\"OK\",\"seq_reply\":\(sequence)}"))
                case "ping" where hold != nil:
                    outlet.yield(
                        .frame(
                            "{\"status\":\"OK\",\"data\":{\"node_id\":\"\",\"server_time\":\(world.now)"
                                + ",\"text\":\"pong\",\"version\":\"6.2.0\"},\"seq_reply\":\(sequence)}"))
                default:
                    let what = hold == nil ? "not_authenticated" : "bad_action"
                    outlet.yield(
                        .frame(
                            "{\"status\":\"FAIL\",\"error\":{\"id\":\"api.web_socket_router.\(what).app_error\""
                                + ",\"message\":\"WebSocket: \(what).\",\"detailed_error\":\"\""
                                + ",\"status_code\":\(hold == nil ? 401 : 400)},\"seq_reply\":\(sequence)}"))
                }
            case .connectionClose: return
            default: break
            }
        }
    }

    private func attach(_ token: String?, _ outlet: LiveHub.Outlet) -> LiveHub.Hold? {
        world.state.withLock { state in
            guard let userID = token.flatMap({ state.tokens[$0] }) else { return nil }
            return state.hub.attach(
                userID, id: query["connection_id"], sequence: query["sequence_number"].flatMap { Int($0) }, outlet)
        }
    }
}
