import DemoServer
import Glibc
import Reader
import Testing

@testable import mmvault

/// What is told of an archive that is not as it should be.
@Suite struct StatusTests {
    /// Lists came, and no post: the channels are not empty, they are still to be pulled.
    @Test func channelsThatWereNeverPulled_AreNotCalledEmpty() async throws {
        try await Stage.with { stage in
            stage.misbehave { $0.path.hasSuffix("/posts") ? .status(403, body: "Forbidden\n") : nil }
            let pull = try await stage.run("mmvault login $URL --token-file token.txt && mmvault pull")
            #expect(pull.code == 3, "\(pull.everything)")
            let status = try await stage.run("mmvault status")
            #expect(status.lines.count { $0 == "  NOT complete: it is still to be pulled" } == 3, "\(status.output)")
            #expect(status.output.contains("No posts are archived here.") && !status.output.contains("encrypted"))
        }
    }

    @Test func deletedPosts_AreCountedAndSaid() async throws {
        try await Stage.with { stage in
            try await stage.settle()
            let status = try await stage.run("mmvault status --channel release")
            let line = "  7 encrypted, 1 plain, 1 missingPayload; of all these, 1 deleted on the server"
            #expect(status.lines.contains { $0 == line }, "\(status.output)")
        }
    }

    @Test(arguments: [ENOSPC, EDQUOT]) func aFullDisk_IsToldWithWhatToDo(_ code: Int32) {
        let failure = Failure(ReaderError.output(path: "out/x", operation: "write", errno: code))
        #expect(failure.code == .failure && failure.hint?.contains("free some space") == true)
    }
}
