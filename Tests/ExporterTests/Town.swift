import Archive
import DemoServer
import Foundation
import Synchronization
import Testing

@testable import Exporter

/// A world with a few people and channels, served, and a vault for what Alice pulls from it.
struct Town {
    let world: World
    let server: EmbeddedServer
    let url: String
    let alice: String
    let bob: String
    let team: String
    /// An open channel with Alice and Bob in it.
    let channel: String
    let token: String
    let vault: Vault

    static let start: Int64 = 1_700_000_000_000

    typealias Interceptor = @Sendable (ServerRequest) -> Fault?

    /// Runs `body` in a fresh town; what is in the vault is gone afterwards.
    static func with(
        seed: UInt64 = 7, tick: Int64 = 1000, interceptor: Interceptor? = nil,
        afterRequest: (@Sendable (World, ServerRequest) -> Void)? = nil, _ body: (Town) async throws -> Void
    ) async throws {
        let world = World(seed: seed, startingAt: start, tick: tick)
        let hook = afterRequest.map { hook in { @Sendable (request: ServerRequest) in hook(world, request) } }
        let server = EmbeddedServer(world: world, interceptor: interceptor, afterRequest: hook)
        let alice = world.addUser(username: "alice", firstName: "Alice", password: "wonderland")
        let bob = world.addUser(username: "bob", nickname: "Bobby")
        let team = world.addTeam(name: "demo", displayName: "Demo")
        let channel = world.addChannel(
            team: team, name: "tea", displayName: "Tea", type: .open, members: [alice, bob])
        let path = try temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await server.start()
        let town = Town(
            world: world, server: server, url: server.url, alice: alice, bob: bob, team: team, channel: channel,
            token: world.issueToken(for: alice), vault: Vault(path: path + "/vault"))
        do {
            try await body(town)
        } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    /// In memory where the system has such a place: an archive waits for the disk at each page.
    static func temporaryDirectory() throws -> String {
        let isFast = FileManager.default.isWritableFile(atPath: "/dev/shm")
        let parent = isFast ? "/dev/shm" : FileManager.default.temporaryDirectory.path
        let path = "\(parent)/mmvault-test-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        return path
    }

    var port: Int {
        get throws { try #require(url.split(separator: ":").last.flatMap { Int($0) }) }
    }

    var address: ServerAddress {
        get throws { try ServerAddress(url) }
    }

    /// The directory of Alice's account, logged in without a request to the server.
    func directory() throws -> AccountDirectory {
        let directory = try vault.makeAccount(Account(server: url, userID: alice, username: "alice"))
        if !FileManager.default.fileExists(atPath: directory.sessionPath) {
            try Session(address: address, userID: alice, username: "alice", token: token).save(in: directory)
        }
        return directory
    }

    @discardableResult
    func pull(
        _ selection: Pull.Selection = Pull.Selection(), patience: Patience = .eager, limits: WalkLimits = WalkLimits(),
        onEvent: @escaping @Sendable (PullEvent) -> Void = { _ in }
    ) async throws -> PullReport {
        try await Pull(directory(), selection, patience: patience, limits: limits, onEvent: onEvent).run()
    }

    /// A pull that must bring everything.
    ///
    /// - Parameter isTold: whether the server tells what changed; else the pull must say that it does not.
    func pullAll(limits: WalkLimits = WalkLimits(), isTold: Bool = true) async throws {
        let report = try await pull(limits: limits)
        for outcome in report.outcomes {
            if !isTold, case .partial([.unknownChanges]) = outcome.result { continue }
            guard isTold, case .complete = outcome.result else {
                Issue.record("\(outcome.channel.name): \(outcome.result)")
                continue
            }
        }
    }

    func archive() throws -> Archive { try Archive(directory()) }

    /// Writes posts by Alice.
    @discardableResult
    func write(_ count: Int, root: String = "", at time: Int64? = nil) -> [String] {
        (0..<count).map { world.post(in: channel, by: alice, message: "post \($0)", root: root, at: time) }
    }

    /// The requests for posts of a channel, as path and query.
    func postRequests(_ channelID: String? = nil) -> [String] {
        server.requests.map(\.target).filter { $0.hasPrefix("/api/v4/channels/\(channelID ?? channel)/posts?") }
    }
}

extension Patience {
    /// Tries often and never waits.
    static let eager = Patience(attempts: 30, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 5)
}

extension WalkLimits {
    static let small = WalkLimits(pageSize: 5, cut: 1000, overlap: 3000)
}

/// A value that closures on other threads change.
final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value>

    init(_ value: Value) { content = Mutex(value) }

    var value: Value {
        get { content.withLock { $0 } }
        set { content.withLock { $0 = newValue } }
    }

    func change<R: Sendable>(_ body: @Sendable (inout Value) -> R) -> R {
        content.withLock { value in body(&value) }
    }
}

func currentProcess() -> Int32 { ProcessInfo.processInfo.processIdentifier }
