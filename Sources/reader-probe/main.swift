internal import Archive
internal import E2EE
internal import Reader

// Reads and searches an archive without any key, through everything that Reader does for it, and prints what it met. It is
// built so that tests can look at what a program with Reader in it can reach.

guard CommandLine.arguments.count == 3 else { fatalError("usage: reader-probe VAULT ACCOUNT") }
let directory = try Vault(path: CommandLine.arguments[1]).account(named: CommandLine.arguments[2])
let archive = try Archive(directory)
let trusted = try TrustedKeys(archive, atHand: [])
let reader = PostReader(archive, keyring: Keyring([]), trusted: trusted)

var contents: [String: Int] = [:]
for channel in try archive.channels() {
    for order in [PostQuery.Order.time, .threads] {
        try await reader.read(PostQuery(channelID: channel.id, order: order)) { post in
            contents["\(order) \(post.verdict.content.rawValue)", default: 0] += 1
        }
    }
}
let search = try Search(archive, reader: reader, trusted: trusted, keyring: Keyring([]))
try await search.update()
let (hits, _) = try await search.find(SearchQuery("verdict:plain", today: .now), limit: 1_000_000)
let report = try await archive.check()
print("documents \(report.documents)")
print("damages \(report.damages.count)")
print("found \(hits.count) of \(try search.count())")
print("keys \(KeyStore(directory).ids.count)")
for (name, count) in contents.sorted(by: { $0.key < $1.key }) { print("\(name) \(count)") }
