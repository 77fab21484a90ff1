import Archive
import ArgumentParser
import Reader

extension Trust {
    struct Original: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say which of several posts with one message is the original.",
            usage: "mmvault trust original <post> [<options>]",
            discussion: """
                A signed message can be shown again in another post. The post in which an
                earlier pull archived it is the original; where one pull brought both, nothing
                tells which was first, and both are marked “repeated” until you say so.

                EXAMPLES:
                  mmvault search verdict:repeated
                  mmvault trust original qzbgxzkuwfry8f7qeyzcuow7oa

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "The post's id: “verify --details” shows it.")
        var post: String

        @Flag(help: "Do not ask.")
        var yes = false

        func run() async throws {
            let directory = try vault.directory()
            let archive = try await Archive.opened(directory)
            guard try archive.header(ofPost: post) != nil else {
                throw Failure(
                    .noArchive, "the archive has no post \(SafeText.line(post))",
                    hint: "“mmvault verify --details” shows ids")
            }
            let repeated = try archive.repeatedMessages(inPost: post)
            guard !repeated.isEmpty else {
                throw Failure(.usage, "no other post has a message of post \(SafeText.line(post))")
            }
            try TrustDesk.agree(
                "Is post \(SafeText.line(post)) the original, and the others with its message copies?", isAgreed: yes,
                id: nil)
            let now = Timestamp.now
            let originals = repeated.map { OriginalPost(postID: post, ciphertext: $0, at: now) }
            try await ArchiveWriter(directory).append(OriginalPost.document(originals, at: now), objects: .original)
            Terminal.print("Noted: post \(SafeText.line(post)) is the original")
        }
    }
}
