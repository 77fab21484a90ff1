import Archive
import ArgumentParser
import E2EE
import Reader

extension Trust {
    struct Signers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the keys that signed posts and were never seen.",
            usage: "mmvault trust signers [<options>]",
            discussion: """
                Who makes a new key leaves posts behind that fit no known key. A signature
                tells its signer up to two candidates, and two messages leave one. That posts
                are by one signer is certain; whose key it was is not: whoever can put posts
                into somebody's name could have made it. Ask, and then “trust adopt”.
                First all that “mmvault check” does: a damaged archive is not searched.

                EXAMPLES:
                  mmvault trust signers
                  mmvault trust adopt carol 5f1c2a90

                \(ExitCode.help(.damaged, .noArchive))
                """)

        @OptionGroup var vault: VaultOptions

        @Flag(help: "One JSON object a line for every signer, and for posts by none, and nothing else.")
        var json = false

        func run() async throws {
            let desk = try await TrustDesk(vault, isCheckedLater: true)
            let (report, hasAllFiles) = try await desk.findSigners(isQuiet: json)
            let printer = try SignerPrinter(desk)
            json ? printer.write(report) : printer.print(report)
            guard hasAllFiles else { throw Failure.damagedFiles("what is said of signers holds") }
        }
    }

    struct Adopt: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Hold a signer that was never seen to be a user's earlier key.",
            usage: "mmvault trust adopt <user> <signer> [<options>]",
            discussion: """
                What it signed in the user's name becomes verifiedByEarlierKey. Nothing here
                can prove that it is theirs: ask them, in person or by phone, whether they
                wrote these posts. “trust withdraw” takes it back.

                EXAMPLES:
                  mmvault trust adopt carol 5f1c2a90

                \(ExitCode.help(.failure, .damaged, .inUse, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "@name, or a user's id.")
        var user: String

        @Argument(help: "The signer's id, or its first digits, at least eight.")
        var signer: String

        @Flag(help: "Do not ask. Needs the whole id.")
        var yes = false

        func run() async throws {
            let desk = try await TrustDesk(vault, isCheckedLater: true)
            let userID = try desk.user(named: user)
            let found = try await desk.signer(of: userID, signer)
            let name = desk.people.username(userID)
            let posts = found.posts.count.of("post")
            if !yes {
                let dates =
                    "\(Timestamp(milliseconds: found.first).date) to \(Timestamp(milliseconds: found.last).date)"
                Terminal.note("Signer \(found.id) signed \(posts) of \(name), \(dates).")
                Terminal.note("Somebody who runs the server could have made this key.")
            }
            try TrustDesk.agree(
                "Did \(name) tell you, and not through this server, that these are theirs?", isAgreed: yes,
                id: signer)
            var answers = [TrustDesk.Answer(adopting: found, of: userID)]
            if !yes { answers += try await desk.askAboutOthers(of: userID, besides: answers) }
            try await desk.record(answers)
            Terminal.print("Adopted: signer \(found.id.description.prefix(16))… is held to be \(name)'s")
            Terminal.print("\(posts) \(found.posts.count == 1 ? "verifies" : "verify") by it from now on")
            try desk.tellEffects(of: answers)
        }
    }
}

extension TrustDesk {
    /// Checks the archive, and then reads all of it.
    ///
    /// - Returns: and whether the files of posts are as they came.
    func findSigners(isQuiet: Bool) async throws -> (SignerReport, hasAllFiles: Bool) {
        let hasAllFiles = try await archive.requireUndamaged(isQuiet: isQuiet, "nothing was searched")
        return (try await searchSigners(), hasAllFiles)
    }

    /// The signers of posts that nobody was seen to show, as far as two messages have one in common.
    func unseenSigners() async throws -> [UnrecordedSigner] { try await searchSigners().signers }

    private func searchSigners() async throws -> SignerReport {
        let search = try SignerSearch(archive, trusted: register.trusted)
        let total = try archive.versionCount(after: 0)
        let report = try await search.run { done in
            if done.isMultiple(of: 500) { Terminal.showProgress("reading: \(done.grouped) of \(total.grouped)") }
        }
        Terminal.clearProgress()
        return report
    }

    /// - Parameter digits: the beginning of the signer's id: eight digits or more.
    fileprivate func signer(of userID: String, _ digits: String) async throws -> UnrecordedSigner {
        guard TrustDesk.isBeginning(digits) else {
            throw Failure(
                .usage, "“\(SafeText.line(digits))” is no signer's id", hint: "give eight of its 64 digits, or more")
        }
        let name = people.username(userID)
        let shown = digits.utf8.count > 16 ? "\(digits.prefix(16))…" : digits
        func isMeant(_ id: SignerID) -> Bool { id.description.hasPrefix(digits.lowercased()) }
        // What is somebody else's is not adopted, and what was decided already is decided anew by taking that back.
        if let known = register.entries[userID]?.first(where: { isMeant($0.signer) && $0.standing != nil }) {
            throw Failure(
                .usage, "signer \(shown) is known as \(name)'s already",
                hint: known.standing == .rejected
                    ? "you rejected it: “mmvault trust withdraw \(people.argument(userID)) \(known.subject.prefix(8))” takes that back"
                    : nil)
        }
        let (report, _) = try await findSigners(isQuiet: false)
        if let other = report.misattributed.first(where: { $0.userID == userID && isMeant($0.signer) }) {
            throw Failure(
                .usage, "signer \(shown) is a key of \(people.username(other.ownerID)), and no key of \(name)",
                hint: "“mmvault audit” tells more of these posts")
        }
        let found = report.signers.filter { $0.userID == userID && isMeant($0.id) }
        if found.count == 1 { return found[0] }
        throw Failure(
            .usage,
            found.isEmpty
                ? "no signer that two messages of \(name) have in common begins with \(shown)"
                : "several signers of \(name) begin with \(shown)",
            hint: "“mmvault trust signers” lists them")
    }
}
