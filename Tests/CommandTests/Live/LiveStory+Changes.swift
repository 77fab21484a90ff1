import Foundation
import Synchronization
import Testing

/// What is rare on a quiet server: posts of one time, thousands of changes between two pulls, encrypted posts that were
/// edited in the clear.
extension LiveStory {
    // MARK: Direct and group channels

    func beginInPrivate() async throws {
        let direct = try await keeper.openPrivateChannel(with: [writer])
        try await keeper.encrypt(direct)
        _ = try await writer.postEncrypted("\(name): to one", in: direct, with: keeper)
        guard let third else { return print("MMVAULT_LIVE_THIRD is not set: no group channel") }
        let group = try await keeper.openPrivateChannel(with: [writer, third])
        try await keeper.encrypt(group)
        _ = try await writer.postEncrypted("\(name): to two", in: group, with: keeper, third)
        _ = try await third.postEncrypted("\(name): from the third", in: group, with: keeper, writer)
    }

    func lookAtPrivate() async throws {
        let texts = ["to one"] + (third == nil ? [] : ["to two", "from the third"])
        let outcome = try await run(
            "rm -rf private; mmvault export jsonl private >/dev/null && cat private/*.jsonl | jq -r '.text // empty'")
        for text in texts { #expect(outcome.lines.contains("\(name): \(text)"), "\(text) is missing") }
    }

    // MARK: Ties

    private static let tied = 450

    /// More posts of one time than two pages hold, with others before and after them.
    func tie() async throws {
        guard let admin else { return print("MMVAULT_LIVE_ADMIN is not set: no posts of one time") }
        let time = Int64(Date().timeIntervalSince1970 * 1000) - 3_600_000
        for number in 1...3 {
            _ = try await admin.post("before the tie \(number)", in: clear, at: time - Int64(number))
            _ = try await admin.post("after the tie \(number)", in: clear, at: time + Int64(number))
        }
        try await LiveStory.inParallel(1...LiveStory.tied) { number in
            _ = try await admin.post("tied \(number)", in: clear, at: time)
        }
    }

    func lookAtTies() async throws {
        guard admin != nil else { return }
        let texts = try await texts()
        let missing =
            (1...LiveStory.tied).map { "tied \($0)" }.filter { !texts.contains($0) }
            + (1...3).flatMap { ["before the tie \($0)", "after the tie \($0)"] }.filter { !texts.contains($0) }
        #expect(missing.isEmpty, "\(missing)")
    }

    // MARK: Changes

    /// More changes between two pulls than the server tells of, and deletions among them.
    func pullManyChanges() async throws {
        let posts = Mutex<[Int: String]>([:])
        try await LiveStory.inParallel(1...280) { [writer, clear] number in
            let id = try await writer.post("version 0 of \(number)", in: clear)
            posts.withLock { $0[number] = id }
        }
        try await pullAll()
        let all = posts.withLock(\.self)
        // Each post eight times, in this order, so that the last text is known.
        try await LiveStory.inParallel(1...250) { [writer] number in
            for edit in 1...8 { try await writer.edit(all[number] ?? "", "version \(edit) of \(number)") }
        }
        try await LiveStory.inParallel(251...280) { [writer] number in try await writer.delete(all[number] ?? "") }
        try await pullAll()
        let texts = try await texts()
        let missing = (1...250).map { "version 8 of \($0)" }.filter { !texts.contains($0) }
        #expect(missing.isEmpty, "\(missing)")
        let live = Set(
            try await run(
                "cat texts/*.jsonl | jq -r 'select(.state == \"live\" and .absence == null) | .id'"
            ).lines.map(String.init))
        #expect(live.isSuperset(of: (1...250).compactMap { all[$0] }))
        let undeleted = (251...280).compactMap { all[$0] }.filter(live.contains)
        #expect(undeleted.isEmpty, "not known to be deleted: \(undeleted)")
        // What was there before is still there.
        try await lookAtTies()
    }

    /// Encrypted posts get a text in the clear, as old clients write it. The message keeps its verdict; the text beside
    /// it is shown and is nobody's.
    func pullClearEdits() async throws {
        let theirs = try await writer.postEncrypted("secret under theirs", in: secret, with: keeper)
        let ours = try await keeper.postEncrypted("secret under ours", in: secret, with: writer)
        try await pullAll()
        try await writer.edit(theirs, "clear over theirs")
        try await keeper.edit(ours, "clear over ours")
        // What is begun and not sent lies on the server, too.
        try await keeper.saveDraft("a draft in the clear", in: secret)
        try await pullAll()
        let audit = try await run("mmvault audit --json")
        #expect(audit.output.contains(#""kind":"drafts-on-the-server""#), "\(audit.everything)")
        #expect(!audit.output.contains("a draft in the clear"))
        let read = try await run("mmvault read \(name)-secret --last 100 --no-pager")
        for (post, whose) in [(theirs, "theirs"), (ours, "ours")] {
            #expect(try await texts().contains("secret under \(whose)"))
            let verdicts = try await verdicts(of: post)
            #expect(verdicts.count >= 2 && verdicts.contains { $0.contains("editedInTheClear") }, "\(verdicts)")
            #expect(verdicts.allSatisfy { $0.contains(#""authenticity":"verified","content":"decrypted""#) })
            // Without the gutter, wherever the lines break.
            let words = read.output.split(whereSeparator: \.isWhitespace).filter { $0 != "!" }.joined(separator: " ")
            #expect(words.contains("NOT VERIFIED (edited in the clear on "), "\(read.everything)")
            #expect(words.contains("nobody signed this) clear over \(whose)"), "\(read.everything)")
        }
    }

    /// Runs `body` for each number, eight at a time.
    private static func inParallel(
        _ numbers: ClosedRange<Int>, _ body: @escaping @Sendable (Int) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in numbers {
                if number - numbers.lowerBound >= 8 { try await group.next() }
                group.addTask { try await body(number) }
            }
            try await group.waitForAll()
        }
    }
}
