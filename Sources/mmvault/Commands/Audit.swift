import Archive
import ArgumentParser
import Bytes
import Reader

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for what no signature covers: repeated, moved, hidden messages.",
        usage: "mmvault audit [<options>]",
        discussion: """
            A signature covers a message's text and recipients, and nothing of the post
            around it. What a server could do with that leaves traces in an archive:
              messages that stand there twice, or in another one's name
              keys among the recipients that nobody knows, and members left out
              clear text in an encrypted channel, and recipients named twice
              signers who were never seen, and signatures that fit nobody
              times that contradict each other, and posts that vanished
              posts that changed in place, and names that became another one's
              keys that a server put in between, and keys of several users
            First all that “mmvault check” does: a damaged archive is not audited.
            Each finding says what was seen, what it can mean, and what it cannot
            (docs/threat-model.md). What is probably harmless is shown with the reason,
            and does not count. No private key is needed, and none is used.

            EXAMPLES:
              mmvault audit
              mmvault audit --channel research
              mmvault audit --json > findings.jsonl

            \(ExitCode.help(.findings, .damaged, .noArchive))
            """)

    @OptionGroup var vault: VaultOptions

    @Option(help: ArgumentHelp("Only what touches this channel; may be repeated.", valueName: "channel"))
    var channel: [String] = []

    @Flag(help: "One JSON object a line for every finding, and nothing else.")
    var json = false

    func run() async throws {
        let open = try await OpenArchive(vault, keys: KeyOptions.none, isCheckedLater: true)
        let channels = try channel.isEmpty ? nil : open.select(channels: channel)
        let hasAllFiles = try await open.archive.requireUndamaged(isQuiet: json, "nothing was looked for")
        let audit = Reader.Audit(open.archive, trusted: open.trusted)
        let total = try open.archive.versionCount(after: 0)
        let findings = try await audit.run(channels: channels) { done in
            if done.isMultiple(of: 500) { Terminal.showProgress("reading: \(done.grouped) of \(total.grouped)") }
        }
        Terminal.clearProgress()
        if json {
            for finding in findings { Terminal.write(json: finding.line) }
        } else {
            FindingPrinter().print(findings)
            if let time = try open.archive.lastWholeWalk() {
                Terminal.print(
                    "Last looked for vanished posts on \(time.date); “mmvault pull --full” looks again.".wrapped())
            }
        }
        if try !audit.knowsKeys {
            Terminal.note(
                "No public key of anybody else is known here, so that signers and recipients could not be looked at: "
                    + "“mmvault pull” asks the server for them.")
        }
        guard hasAllFiles else { throw Failure.damagedFiles("the findings hold") }
        if findings.contains(where: { !$0.isExplained }) { throw ArgumentParser.ExitCode(ExitCode.findings.rawValue) }
    }
}

extension Finding {
    fileprivate var line: [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.bytes + [UInt8(ascii: "\n")]
    }
}
