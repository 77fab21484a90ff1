public import Archive

/// Asks the plugin which public key it shows for the account's owner now, and keeps nothing: that it is another one than
/// before is for the pull to note.
public enum RegisteredKey {
    /// - Returns: the key's id, in hexadecimal digits; nil where the server shows none.
    public static func run(_ directory: AccountDirectory, _ network: Network) async throws(ExporterError) -> String? {
        let session = try Session(in: directory)
        return try await MattermostClient.using(
            try session.route(network), token: session.token, patience: .short
        ) {
            client throws(ExporterError) in
            try await KeyFetch.ask(client, [session.userID]).keys.first?.keyID
        }
    }
}
