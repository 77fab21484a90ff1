import Archive
import ArgumentParser
import E2EE
import Reader

extension Trust {
    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write what you decided about keys as a signed list, for a colleague.",
            usage: "mmvault trust export <file> [<options>]",
            discussion: """
                The list is JSON, readable by people, and signed with your own key. It holds
                what you confirmed, rejected, adopted, and withdrew. What you accepted, and
                your own keys, stand in it as seen. Your colleague takes it with “mmvault
                trust import”.

                EXAMPLES:
                  mmvault trust export keys-of-alice.json
                  mmvault trust export - --all | less

                \(ExitCode.help(.damaged, .key, .noArchive, .usage))
                """)

        @OptionGroup var vault: VaultOptions
        @OptionGroup var keys: KeyOptions

        @Argument(help: "The file to write, which must not exist (- for standard output).", completion: .file())
        var file: String

        @Option(help: ArgumentHelp("Which private key signs, by the beginning of its id.", valueName: "key-id"))
        var id: String?

        @Flag(help: "Also the keys that you know and decided nothing about.")
        var all = false

        func run() async throws {
            let desk = try await TrustDesk(vault)
            guard file == "-" || !PrivateFile.exists(file) else {
                throw Failure(
                    .usage, "\(SafeText.line(file)) exists already", hint: "name a file that does not exist yet")
            }
            let decisions = desk.register.statements(withSeen: all, history: try desk.archive.trustDecisions())
            guard !decisions.isEmpty else {
                throw Failure(
                    .usage, "you have not decided about any key",
                    hint: all ? "no key is known here" : "--all writes also the keys that you only know")
            }
            let key = try await KeyChoice.choose(try await keys.load(desk.directory), id: id, desk.directory)
            // Whoever gets the list must be able to tell by it whose it is.
            guard
                desk.register.entries[desk.account.userID]?.contains(where: {
                    $0.keyID == key.id && $0.known != nil && $0.standing != .rejected
                }) == true
            else {
                throw Failure(
                    .key, "key \(key.id.short)… is not known to be yours, and nobody would take a list that it signed",
                    hint: "“mmvault pull” asks the server which key it shows for you; --id chooses another")
            }
            let list = TrustList(
                decisions, of: desk.account, usernames: desk.usernames, signedBy: key, at: .now)
            guard file != "-" else { return Terminal.write(list.bytes) }
            try PrivateFile.replace(file, with: list.bytes)
            Terminal.print("\(list.entries.count.of("key")) in \(SafeText.line(file)), signed by key \(key.id.short)…")
        }
    }

    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a colleague's signed list of keys.",
            usage: "mmvault trust import <file> [<options>]",
            discussion: """
                A key that the colleague confirmed, and that is not known here, counts from
                then on, if you confirmed or accepted the key that signed the list: what it
                signed is verifiedByEarlierKey. A key that they have only seen becomes known,
                and asks you a question. What they rejected or adopted is only shown. The key
                that signed the list must be known as the colleague's; unless you confirmed
                it, its digits are shown first, and you are asked.

                EXAMPLES:
                  mmvault trust import keys-of-bob.json

                \(ExitCode.help(.failure, .damaged, .inUse, .key, .noArchive, .usage, .badExport))
                """)

        @OptionGroup var vault: VaultOptions

        @Argument(help: "The list (- for standard input).", completion: .file())
        var file: String

        @Flag(help: "Do not ask, though the key that signed the list was never confirmed.")
        var yes = false

        func run() async throws {
            let desk = try await TrustDesk(vault)
            let list = try TrustList(try InputFile.read(file))
            let checked = try CheckedTrustList(list, for: desk.archive)
            let name = desk.people.username(list.userID)
            Terminal.note("The list of \(desk.people.name(list.userID)), of \(list.listedAt.minute) UTC:")
            for entry in list.entries {
                let subject = "\(entry.keyID == nil ? "signer" : "key") \(entry.subject.prefix(16))…"
                Terminal.note("  \(desk.people.username(entry.userID))  \(entry.verb.rawValue) \(subject)")
            }
            for entry in list.entries where entry.verb == .rejected {
                let here = desk.register.entries[entry.userID]?.first { $0.subject == entry.subject }
                guard let here, here.standing?.counts == true else { continue }
                let shown =
                    here.known?.isCurrent == true ? "that the server shows for" : "that is known here as that of"
                Terminal.warn(
                    """
                    \(name) rejects \(here.title), \(shown) \(desk.people.username(entry.userID))
                    It counts here until you reject it. Ask \(name) why they did.
                    """)
            }
            if !checked.isConfirmed {
                Terminal.note("You have not confirmed the key that signed it:")
                Terminal.note("  key \(checked.signer.id)")
                for line in Fingerprint(of: checked.signer.id).lines { Terminal.note("    \(line)") }
                try TrustDesk.agree(
                    "Did \(name) read you these digits, or do you take the list without it?", isAgreed: yes,
                    id: nil)
            }
            let writer = try ArchiveWriter(desk.directory)
            // Another process may have let in a newer one while the question was open.
            try await writer.append(
                try CheckedTrustList(list, for: desk.archive).document(), objects: .listedTrust)
            Terminal.print("\(list.entries.count.of("key")) from \(name)'s list. “mmvault trust” shows them.")
        }
    }
}
