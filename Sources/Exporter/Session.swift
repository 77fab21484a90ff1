public import Archive
internal import Bytes

/// The right to speak to a server as a user: the address and the token, and what helps to reach it. It stands in one file, mode 0600, and nowhere
/// else: never on a command line, in the environment, in the archive or in a log.
public struct Session: Sendable {
    public let address: ServerAddress
    public let userID: String
    public let username: String
    let token: String
    /// The file of certificates that was named at login (`--ca-file`), for every later command.
    var caFile: String?

    init(address: ServerAddress, userID: String, username: String, token: String, caFile: String? = nil) {
        self.address = address
        self.userID = userID
        self.username = username
        self.token = token
        self.caFile = caFile
    }

    /// - Throws: `notLoggedIn` where there is none, or its file cannot be read as one.
    public init(in directory: AccountDirectory) throws(ExporterError) {
        let bytes: [UInt8]?
        do { bytes = try PrivateFile.read(directory.sessionPath) } catch { throw .archive(error) }
        guard let bytes, let root = try? JSONDocument(bytes).root, let server = root["server"]?.string,
            let userID = root["user_id"]?.string, let username = root["username"]?.string,
            let token = root["token"]?.string, Session.isToken(token)
        else { throw .notLoggedIn(account: directory.name) }
        // Whether http was wanted was decided at login.
        address = try ServerAddress(server, allowsHTTP: true)
        self.userID = userID
        self.username = username
        self.token = token
        caFile = root["ca_file"]?.string
    }

    /// The way to its server.
    func route(_ network: Network) throws(ExporterError) -> Route {
        try network.route(to: address, remembered: caFile)
    }

    func save(in directory: AccountDirectory) throws(ExporterError) {
        var json = JSONWriter()
        json.object {
            $0.string("server", address.url)
            $0.string("user_id", userID)
            $0.string("username", username)
            $0.string("token", token)
            if let caFile { $0.string("ca_file", caFile) }
        }
        do { try PrivateFile.replace(directory.sessionPath, with: json.bytes) } catch { throw .archive(error) }
    }

    /// Whether `text` can stand in a header; Mattermost's tokens are 26 letters and digits.
    static func isToken(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 4096 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }
}
