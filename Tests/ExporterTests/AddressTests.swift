import Testing

@testable import Exporter

/// What a person may type for a server, and what it means.
struct AddressTests {
    @Test(arguments: [
        ("chat.example.org", "https://chat.example.org"),
        ("https://chat.example.org", "https://chat.example.org"),
        ("https://chat.example.org/", "https://chat.example.org"),
        ("https://chat.example.org///", "https://chat.example.org"),
        ("HTTPS://Chat.Example.ORG", "https://chat.example.org"),
        ("https://chat.example.org:8443", "https://chat.example.org:8443"),
        ("chat.example.org:8443/", "https://chat.example.org:8443"),
        ("https://example.org/Chat", "https://example.org/Chat"),
        ("https://example.org/a/b/", "https://example.org/a/b"),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ("https://192.0.2.7", "https://192.0.2.7"),
        ("https://[2001:DB8::1]:8443", "https://[2001:db8::1]:8443"),
        ("localhost", "https://localhost"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST:8065", "http://localhost:8065"),
        ("http://127.0.0.1:8065/", "http://127.0.0.1:8065"),
        ("http://127.8.9.1", "http://127.8.9.1"),
        ("http://[::1]", "http://[::1]"),
        ("http://[::1]:8065/sub/", "http://[::1]:8065/sub"),
        ("https://host_name:65535", "https://host_name:65535"),
    ]) func anAddressIsUnderstood(_ text: String, _ url: String) throws {
        #expect(try ServerAddress(text).url == url)
        #expect(try ServerAddress(url).url == url, "and means itself")
    }

    @Test(arguments: [
        "", " ", "/", "https://", "https:///", "https:///path", "://host", "ftp://chat.example.org",
        "javascript://host", "mailto:alice@example.org", "https://alice@example.org",
        "https://alice:secret@example.org", "http://localhost@example.org", "https://example.org?x=1",
        "https://example.org/#top", "https://exa mple.org", " https://example.org", "https://example.org ",
        "https://example.org/a b", "https://example.org\n", "https://example.org\u{7F}", "https://example.org\u{0}",
        "https://example.org\\evil", "https://bücher.example", "https://example.org/é", "https://example.org:",
        "https://example.org:0", "https://example.org:65536", "https://example.org:-1", "https://example.org:+80",
        "https://example.org:80a", "https://example.org:99999999999999999999", "https://[", "https://[]",
        "https://[::1", "https://[::1]x", "https://[::1]:", "https://[chat]", "https://a[b]", "https://a/[b]",
        "https://exa\"mple.org", "https://example.org/<x>", "https://a{b}", "https://a|b", "https://a,b", "https:/host",
    ]) func whatIsNoAddressIsRefused(_ text: String) {
        do {
            let url = try ServerAddress(text, allowsHTTP: true).url
            Issue.record("\(text) became \(url)")
        } catch .badAddress(let found, let why) {
            #expect(found == text && !why.isEmpty)
        } catch {
            Issue.record("\(error)")
        }
    }

    @Test(arguments: [
        "http://chat.example.org", "http://localhost.example.org", "http://127.0.0.1.example.org", "http://192.168.1.1",
        "http://0.0.0.0", "http://127.1", "http://1270.0.0.1", "http://127.0.0.1.5", "http://127.0.0.256",
        "http://[::2]", "http://[::ffff:127.0.0.1]", "http://localhost.", "HTTP://CHAT.EXAMPLE.ORG",
    ]) func aPasswordDoesNotGoOverTheNetworkInTheClear(_ text: String) throws {
        do {
            _ = try ServerAddress(text)
            Issue.record("\(text) was taken")
        } catch .insecureAddress {
        } catch {
            Issue.record("\(error)")
        }
        #expect(try ServerAddress(text, allowsHTTP: true).url == text.lowercased(), "unless that is wanted")
    }
}
