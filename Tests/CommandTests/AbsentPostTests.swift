import DemoServer
import Testing

/// Posts that the server had, and shows no more.
@Suite struct AbsentPostTests {
    @Test func whatIsGoneAndWhatIsClosed_IsToldApart_AndNewsFromWhatWasKnown() async throws {
        let story = Story()
        let posts = (0..<3).map { story.world.post(in: story.square, by: story.bob.id, message: "post \($0)") }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            for post in posts[...1] { story.world.purge(post) }
            let refusal = #"{"id":"api.context.permissions.app_error","message":"You may not.","status_code":403}"#
            stage.misbehave { $0.path == "/api/v4/posts/\(posts[1])" ? .status(403, body: refusal) : nil }
            let first = try await stage.run("mmvault pull --full")
            #expect(first.code == 0, "\(first.everything)")
            for line in [
                "warning: Town Square: 1 archived post closed to you on the server; the archive\n",
                "warning: Town Square: 1 archived post gone from the server without a tombstone;\n",
            ] {
                #expect(first.errors.contains(line), "\(first.errors)")
            }
            let second = try await stage.run("mmvault pull --full")
            #expect(second.code == 0 && !second.errors.contains("warning:"), "\(second.everything)")
            #expect(
                second.errors.contains(
                    """
                    Town Square: 1 archived post closed to you on the server, as before
                    Town Square: 1 archived post gone from the server without a tombstone, as before
                    """), "\(second.errors)")
            let status = try await stage.run("mmvault status --channel town-square")
            #expect(
                status.output.contains(
                    """
                      1 post closed to you on the server; kept
                      1 post gone from the server without a tombstone; kept

                    """), "\(status.output)")
            // Another one is news, and what was known stays so.
            story.world.purge(posts[2])
            let third = try await stage.run("mmvault pull --full")
            #expect(third.errors.contains("warning: Town Square: 1 archived post gone from the server"))
            #expect(third.errors.contains("Town Square: 1 archived post gone from the server without a tombstone, as"))
        }
    }
}
