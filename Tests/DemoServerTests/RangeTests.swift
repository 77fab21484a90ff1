import DemoServer
import Foundation
import Testing

/// Parts of files (RFC 9110, section 14), as the server gives them.
struct RangeTests {
    private static let content = "0123456789"

    private func with(_ body: (Site, String) async throws -> Void) async throws {
        try await Site.with { site in
            let id = site.world.post(
                in: site.channel, by: site.bob, message: "m",
                files: [Attachment(name: "a.txt", content: Array(RangeTests.content.utf8))])
            let file = try #require(site.world.post(id)?.files.first?.id)
            try await body(site, "/api/v4/files/\(file)")
        }
    }

    @Test(arguments: [("bytes=0-", 0), ("bytes=1-", 1), ("bytes=9-", 9)])
    func aRangeComesFromThereOn(_ range: String, _ start: Int) async throws {
        try await with { site, path in
            let reply = try await site.send("GET", path, token: site.token, headers: [("Range", range)])
            #expect(reply.status == 206 && reply.text == String(RangeTests.content.dropFirst(start)))
            #expect(reply.headers["Content-Range"] == "bytes \(start)-9/10")
            #expect(reply.headers["Content-Length"] == "\(10 - start)")
        }
    }

    @Test func aRangeBehindTheEndIsRefused() async throws {
        try await with { site, path in
            let reply = try await site.send("GET", path, token: site.token, headers: [("Range", "bytes=10-")])
            #expect(reply.status == 416 && reply.text.isEmpty && reply.headers["Content-Range"] == "bytes */10")
        }
    }

    @Test func aRangeOfAFileThatIsStillTheSameComes() async throws {
        try await with { site, path in
            let date = try #require(try await site.get(path).headers["Last-Modified"])
            let headers = [("Range", "bytes=4-"), ("If-Range", date)]
            let reply = try await site.send("GET", path, token: site.token, headers: headers)
            #expect(reply.status == 206 && reply.text == "456789")
        }
    }

    @Test(arguments: [
        [("Range", "bytes=4-"), ("If-Range", "Mon, 01 Jan 2001 00:00:00 GMT")], [("Range", "bytes=x-")],
        [("Range", "lines=1-")], [],
    ])
    func anythingElseIsAnsweredWithAllOfIt(_ headers: [(String, String)]) async throws {
        try await with { site, path in
            let reply = try await site.send("GET", path, token: site.token, headers: headers)
            #expect(reply.status == 200 && reply.text == RangeTests.content)
            #expect(reply.headers["Accept-Ranges"] == "bytes" && reply.headers["Content-Range"] == nil)
        }
    }
}
