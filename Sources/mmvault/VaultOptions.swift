import Archive
import ArgumentParser
import Glibc

/// Which vault, and which account in it. Every command takes these.
struct VaultOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Where the vault is.", valueName: "dir"), completion: .directory)
    var vault: String?

    @Option(help: ArgumentHelp("Which account, where the vault holds several.", valueName: "name"))
    var account: String?

    func open() throws -> Vault { Vault(path: try path()) }

    func directory() throws -> AccountDirectory { try open().account(named: account) }

    private func path() throws -> String {
        if let vault { return vault }
        if let path = VaultOptions.environment("MMVAULT_DIR") { return path }
        if let data = VaultOptions.environment("XDG_DATA_HOME") { return "\(data)/mmvault" }
        guard let home = VaultOptions.environment("HOME") else {
            throw Failure(.usage, "nothing says where the vault is", hint: "add --vault DIR")
        }
        return "\(home)/.local/share/mmvault"
    }

    static func environment(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }

    /// Lets `--vault` and `--account` stand before the command, or between its words, as well: the parser takes them
    /// only behind it.
    static func movedBehindCommand(_ arguments: [String]) -> [String] {
        var leading: [String] = []
        var words: [String] = []
        var rest = arguments[...]
        while let first = rest.first {
            if ["--vault", "--account"].contains(first), rest.count >= 2 {
                leading += rest.prefix(2)
                rest = rest.dropFirst(2)
            } else if first.hasPrefix("--vault=") || first.hasPrefix("--account=") {
                leading.append(first)
                rest = rest.dropFirst()
            } else if words.isEmpty, [Key._commandName, Trust._commandName].contains(first) {
                words.append(first)
                rest = rest.dropFirst()
            } else {
                break
            }
        }
        // Help needs no vault.
        if rest.first == "help" || (words + rest).allSatisfy({ Key._commandName == $0 }) { leading = [] }
        let end = rest.firstIndex(of: "--") ?? rest.endIndex
        return words + rest[..<end] + leading + rest[end...]
    }
}
