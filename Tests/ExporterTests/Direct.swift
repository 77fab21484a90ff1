import Archive

@testable import Exporter

/// The same without a proxy, and with the system's certificates alone.
extension Pull {
    init(
        _ directory: AccountDirectory, _ selection: Selection = Selection(), patience: Patience = .long,
        onEvent: @escaping @Sendable (PullEvent) -> Void = { _ in }
    ) throws(ExporterError) {
        try self.init(directory, selection, network: Network(), patience: patience, onEvent: onEvent)
    }

    init(
        _ directory: AccountDirectory, _ selection: Selection, patience: Patience, limits: WalkLimits,
        onEvent: @escaping @Sendable (PullEvent) -> Void
    ) throws(ExporterError) {
        try self.init(
            directory, selection, patience: patience, limits: limits, network: Network(), onEvent: onEvent)
    }
}

extension Login {
    static func run(
        _ address: ServerAddress, _ credentials: Credentials, vault: Vault
    ) async throws(ExporterError) -> (directory: AccountDirectory, session: Session) {
        try await run(address, credentials, vault: vault, Network())
    }
}

extension RegisteredKey {
    static func run(_ directory: AccountDirectory) async throws(ExporterError) -> String? {
        try await run(directory, Network())
    }
}

extension BackupRequest {
    static func run(_ directory: AccountDirectory, limit: Double = 10) async throws(ExporterError)
        -> BackupRequest.Outcome
    {
        try await run(directory, Network(), limit: limit)
    }
}

extension MattermostClient {
    static func using<R>(
        _ address: ServerAddress, token: String?, patience: Patience,
        _ body: (MattermostClient) async throws(ExporterError) -> R
    ) async throws(ExporterError) -> R {
        try await using(try Network().route(to: address), token: token, patience: patience, body)
    }
}
