internal import Glibc

/// The hosts that need no proxy: what `no_proxy` lists, with commas or spaces between, as curl reads it.
struct ProxyExceptions {
    private let entries: [Substring]

    init(_ list: String) { entries = list.split { $0 == "," || $0.isWhitespace } }

    /// - Parameter host: a name or a number, without brackets.
    func contains(_ host: String, port: Int) -> Bool {
        let host = host.lowercased()
        return entries.contains { $0 == "*" || ProxyExceptions.matches($0.lowercased(), host, port) }
    }

    private static func matches(_ entry: String, _ host: String, _ port: Int) -> Bool {
        let (name, entryPort) = split(entry[...])
        if let entryPort, entryPort != String(port) { return false }
        guard let address = IPAddress(host) else {
            // The name itself, and every name below it; a dot before it says the same.
            let name = name.drop { $0 == "." }
            let plain = name.hasSuffix(".") ? name.dropLast() : name
            let asked = host.hasSuffix(".") ? host.dropLast() : host[...]
            return !plain.isEmpty && (asked == plain || asked.hasSuffix("." + plain))
        }
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let network = IPAddress(String(parts[0])) else { return false }
        guard parts.count == 2 else { return network == address }
        guard let bits = Int(parts[1]) else { return false }
        return address.isIn(network, bits: bits)
    }

    /// `host:port`, `[::1]:port`, `[::1]`, or an IPv6 address that stands for itself.
    private static func split(_ entry: Substring) -> (name: Substring, port: Substring?) {
        if entry.hasPrefix("["), let end = entry.firstIndex(of: "]") {
            let tail = entry[entry.index(after: end)...]
            return (entry[..<end].dropFirst(), tail.hasPrefix(":") ? tail.dropFirst() : nil)
        }
        guard let colon = entry.firstIndex(of: ":"), colon == entry.lastIndex(of: ":") else { return (entry, nil) }
        return (entry[..<colon], entry[entry.index(after: colon)...])
    }
}

/// An IPv4 or IPv6 address.
struct IPAddress: Equatable {
    private let bytes: [UInt8]

    /// nil where `text` is a name.
    init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.bytes = Array(bytes[..<4])
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    /// Whether the first bits are the same.
    func isIn(_ network: IPAddress, bits: Int) -> Bool {
        guard bytes.count == network.bytes.count, (0...bytes.count * 8).contains(bits) else { return false }
        let whole = bits / 8
        guard bytes.prefix(whole) == network.bytes.prefix(whole) else { return false }
        guard bits % 8 != 0 else { return true }
        let mask = UInt8.max << UInt8(8 - bits % 8)
        return bytes[whole] & mask == network.bytes[whole] & mask
    }
}
