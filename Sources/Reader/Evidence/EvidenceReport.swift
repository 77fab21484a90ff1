internal import Archive
internal import E2EE

/// The first part of `report.html` and `report.md`, for somebody who was not there: what the package is, what it shows
/// and what it cannot show, and how to check it. docs/threat-model.md has the words at length.
struct EvidenceReport {
    let facts: EvidenceFacts
    let keys: EvidenceKeys
    let tally: EvidenceTally
    let findings: [EvidenceFinding]
    /// The ids of posts that findings are about and that stand in the report.
    let shown: Set<String>
    let people: ExportPeople

    init(
        _ facts: EvidenceFacts, _ keys: EvidenceKeys, _ tally: EvidenceTally, _ findings: [EvidenceFinding],
        shown: Set<String>
    ) {
        self.shown = shown
        (self.facts, self.keys, self.tally, self.findings) = (facts, keys, tally, findings)
        people = facts.people
    }

    var title: String { "Messages from the archive of @\(facts.account.username) on \(facts.account.server)" }

    var blocks: [ReportBlock] {
        overview + channels + verdicts + signers + decisions + audit + timeStamps + proofs + statements + redactions
            + disclosures
            + checking
            + [.heading("The messages")]
    }

    private var overview: [ReportBlock] {
        let counts = tally.counts
        func date(_ time: Int64?) -> String { time.map { "\(Timestamp(milliseconds: $0).minute) UTC" } ?? "-" }
        let asked = facts.asked.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
        let rows = [
            ["archive of", "\(people.displayName(facts.account.userID)) (@\(facts.account.username))"],
            ["server", facts.account.server],
            ["posts and old revisions", String(counts.posts)],
            ["oldest, newest", "\(date(tally.first)), \(date(tally.last))"],
            ["asked for, in the owner's words", asked.isEmpty ? "everything in the archive" : asked],
            ["chosen of these channels", chosen],
            ["with their text", String(counts.exported)],
            ["not verified, shown and marked", String(counts.unverified)],
            ["withheld, since they are not verified", String(counts.withheld)],
            ["redacted by the archive's owner", String(counts.redacted)],
            ["not proven, since their documents were redacted", String(tally.ownersWord)],
            ["not readable", String(counts.unreadable.values.reduce(0, +))],
            ["with a text that the server has taken out", String(counts.unknown)],
            ["files", String(counts.files)],
            ["files that are missing", String(counts.missingFiles)],
            ["documents in the archive", String(facts.head.documents)],
            ["head of the archive's chain", EvidenceReport.grouped(facts.head.hash)],
            ["made by, as it says itself", facts.program],
        ]
        return [
            .paragraph(
                "This package holds messages of a Mattermost server whose users encrypt and sign in their browsers, with "
                    + "the end-to-end encryption plugin of Quarkslab. They were taken from the archive that one user "
                    + "keeps of everything the server showed them. With the messages come the server's own answers, byte "
                    + "for byte, the public keys, and what is needed to check every signature without any private key. "
                    + "README.txt says which file is what. “mmvault check” makes this report again from the other files, "
                    + "and compares. What rests on the owner's word alone stands under “As the archive's owner states”."
            ),
            .table(["", ""], rows),
        ]
    }

    /// Of which people and times the package holds all that its documents show, which `check` sees to.
    private var chosen: String {
        func time(_ milliseconds: Int64) -> String {
            let time = Timestamp(milliseconds: milliseconds)
            return time.isPlausible
                ? "\(time.second)\(milliseconds % 1000 == 0 ? "" : " and \(milliseconds % 1000) ms") UTC"
                : "time \(milliseconds)"
        }
        let range = facts.filter.createAt
        let names = facts.filter.userIDs?.map { "@\(people.shownUsername($0)) (\($0))" }
        let parts = [
            range.lowerBound > .min ? "from \(time(range.lowerBound)) on" : nil,
            range.upperBound < .max ? "before \(time(range.upperBound))" : nil,
            names.map { "only of \($0.joined(separator: ", "))" },
        ]
        let words = parts.compactMap { $0 }.joined(separator: ", ")
        return words.isEmpty ? "all posts" : words
    }

    private var channels: [ReportBlock] {
        let rows = facts.channels.map { entry in
            let counts = tally.channels[entry.channel.id] ?? ExportCounts()
            return [
                people.label(entry.channel), ExportPeople.kind(of: entry.channel),
                people.team(of: entry.channel) ?? "-", entry.channel.id, String(counts.posts),
                entry.isEncrypted ? "yes" : "no",
                String(tally.absentCount(entry.channel.id, facts.coverage)),
            ]
        }
        let absent = facts.channels.contains { tally.absentCount($0.channel.id, facts.coverage) > 0 }
        return [
            .heading("Channels"),
            .table(
                ["channel", "kind", "team", "id", "posts", "holds encrypted posts", "later answers not here"], rows),
            .paragraph(
                absent
                    ? "Of some channels the archive holds later answers of the server that are not here, as chain.txt shows. "
                        + "They may hold edits and deletions of these posts. verdicts.jsonl says of each post up to which "
                        + "document it is shown to be so (as_of)."
                    : "All later answers of the server about these channels are here: each post is shown as it was when the "
                        + "last document came."),
            .paragraph(
                "Names of channels and teams are as the archive's owner saw them last. Nothing in this package proves a "
                    + "name; the id stands in every post. What else is the owner's word is told below."),
        ]
    }

    private var verdicts: [ReportBlock] {
        let rows = tally.verdicts.sorted { $0.key < $1.key }.map { verdict, count in
            [verdict.authorship, verdict.content.rawValue, String(count)]
        }
        let authenticities = Set(tally.verdicts.keys.compactMap(\.authenticity)).sorted()
        let suspicions = Set(tally.verdicts.keys.flatMap(\.suspicions)).sorted()
        let contents = Set(tally.verdicts.keys.map(\.content)).sorted()
        let meanings =
            authenticities.map { [$0.rawValue, $0.meaning.is, $0.meaning.isNot] }
            + suspicions.map { [$0.rawValue, $0.meaning.is, $0.meaning.isNot] }
            + contents.map { [$0.rawValue, $0.meaning.is, $0.meaning.isNot] }
        return [
            .heading("Verdicts"), .table(["who wrote it", "could it be decrypted", "posts"], rows),
            .table(["word", "means", "does not mean"], meanings),
        ]
            + (tally.counts.redacted == 0
                ? []
                : [
                    .paragraph(
                        "Of redacted posts the second word is the owner's: the package has no key to decrypt them again."
                    )
                ]) + [
                .paragraph(
                    "A signature covers the text and the list of the recipients' keys. It does not cover who the server says "
                        + "the author is, the channel, the time, the thread, edits and deletions: these are the server's word. "
                        + "A post that is marked verified was written by the holder of that key, some time, somewhere, for "
                        + "these recipients (threat-model.md in this package, “What a verdict means”).")
            ]
    }

    private var signers: [ReportBlock] {
        let rows = tally.authors.sorted { $0.key < $1.key }.flatMap { userID, author -> [[String]] in
            let name = "\(people.displayName(userID)) (@\(people.shownUsername(userID)))"
            let known = keys.known[userID] ?? []
            var rows = known.map { key -> [String] in
                let count = KeyID(hex: key.sighting.keyID).flatMap { author.byKey[$0] } ?? 0
                let sources = [
                    key.sighting.source == .server ? "shown by the server" : nil, key.isOwn ? "own backup" : nil,
                    key.isCurrent ? "the newest shown" : nil, key.isFirst ? "the first shown" : nil,
                ].compactMap { $0 }
                return [
                    name, EvidenceReport.named(key.sighting.keyID), sources.joined(separator: ", "),
                    "\(key.firstSeen.minute) to \(key.lastSeen.minute)", String(count),
                ]
            }
            for (key, count) in author.byKey.sorted(by: { $0.key < $1.key })
            where !known.contains(where: { $0.sighting.keyID == key.description }) {
                rows.append([name, EvidenceReport.named(key.description), origin(of: key, userID), "-", String(count)])
            }
            return rows.isEmpty ? [[name, "no key is known", "-", "-", "0"]] : rows
        }
        return [
            .heading("Authors and their keys"),
            .table(["author", "key id, and digits to read aloud", "known from", "seen (UTC)", "posts signed"], rows),
            .paragraph(
                "Whose a key is, the server says. Only the people themselves can confirm it: compare the key id, or the digits, with "
                    + "each of them by another way than this server. Whoever ran the server from the beginning could have "
                    + "shown a wrong key from the beginning. (A key's id is the SHA-256 of its two points; docs/trust.md of "
                    + "mmvault makes the digits from it.)"),
        ]
    }

    /// From where a key is known that the server was not seen to show.
    private func origin(of key: KeyID, _ userID: String) -> String {
        let said = keys.decisions.filter { $0.userID == userID && $0.keyID == key.description && $0.verb != .withdrawn }
        guard !said.contains(where: { $0.colleague == nil }), let colleague = said.last?.colleague else {
            return "at hand with the owner"
        }
        return "only from the list of @\(people.shownUsername(colleague.userID))"
    }

    private var decisions: [ReportBlock] {
        let rows = keys.decisions.map { decision in
            [
                "\(people.displayName(decision.userID)) (@\(people.shownUsername(decision.userID)))",
                EvidenceReport.grouped(decision.subject), decision.verb.rawValue,
                decision.colleague.map { "@\(people.shownUsername($0.userID)), in a signed list" }
                    ?? "the archive's owner",
                "\(decision.at.minute) UTC",
            ]
        }
        guard !rows.isEmpty else {
            return [.paragraph("The archive's owner has neither confirmed nor rejected any of these keys.")]
        }
        return [
            .heading("Decisions about keys"),
            .table(["user", "key id, or the signer's", "decision", "by", "noted"], rows),
            .paragraph(
                "A decision is the word of whoever made it: confirmed means that they say they compared the key with its "
                    + "owner."),
        ]
    }

    private var audit: [ReportBlock] {
        var blocks = [
            ReportBlock.heading("What the audit found"),
            .paragraph(
                "The audit looks through the whole archive for what no signature covers: messages that were repeated, "
                    + "moved or hidden, and recipients whom nobody knows. These are its findings that have to do with the "
                    + "channels of this package. They are the archive owner's word: making them again takes the archive."
            ),
        ]
        if findings.isEmpty { blocks.append(.paragraph("It found nothing.")) }
        for (number, finding) in zip(1..., findings) { blocks += finding.blocks(number, shown: shown) }
        return blocks
    }

    private var timeStamps: [ReportBlock] {
        guard !facts.timeStamps.isEmpty else { return [] }
        let rows = facts.timeStamps.map { stamp in
            let token = stamp.token
            return [String(stamp.sequence), "1 to \(stamp.covered)", "\(token.time.second) UTC", token.authority]
        }
        return [
            .heading("Time stamps"),
            .table(["document", "covers documents", "time", "authority, as its certificate names it"], rows),
            .paragraph(
                "An authority signed the hash that vouches for these documents, together with the time. If you trust the "
                    + "authority, they existed then, whatever the archive's owner says. Anyone can make a certificate with "
                    + "any name: get the authority's certificates from the authority, and verify the time stamp with "
                    + "them, as described below. Documents that came later are not covered."),
        ]
    }

    private var proofs: [ReportBlock] {
        var items = [
            "Every encrypted text that is shown is what the signed message says: verdicts.jsonl has, for each of them, "
                + "the key that unwraps the message's own key, with which anybody can decrypt it again. It opens this "
                + "message and no other. The wrapped key checks itself, but the signature does not cover it: whoever "
                + "made the whole chain anew could have put another one there, and then the text could be noise, or, if "
                + "it is short, something else.",
            "The names of people, as the server last gave them: the documents that describe users are all here, and each "
                + "name is as in the newest. Of whom they say nothing, the id is shown, or the name that an import "
                + "gave. Not that a person is who the name says.",
            "That a key signed a message, for these recipients: by the signature, which mmvault check verifies anew.",
            "That the server's answers stand in the archive as they came, and in which order: by the chain in chain.txt, "
                + "as far as its head is vouched for by a signature, or was noted down elsewhere before. Whoever holds "
                + "an archive could make a whole new chain; the times in it are those of the owner's clock.",
            "Not that the server told the truth about anything that is not signed: authors of plain posts, times, "
                + "channels, threads, deletions, files.",
            "Not that nothing was left out: the archive's owner chose what is here, and the server chose what to show "
                + "the owner.",
        ]
        if tally.formerOnly > 0 {
            items.append(
                "Not that \(tally.formerOnly) posts said something else later: of these, only what they said before is "
                    + "here.")
        }
        if !facts.timeStamps.isEmpty {
            items.append(
                "That the documents which a time stamp covers existed at its time, once you have verified it.")
        }
        if tally.shortTexts > 0 {
            items.append(
                "Of \(tally.shortTexts) short texts the text itself is proven only as far as the chain is: whoever made all of "
                    + "it anew could have searched for another key under which the same signed message says something "
                    + "else. That the message was signed is proven. Short "
                    + "are texts of fewer than \(EncryptedMessage.bindingLength) bytes, and of the archive's owner "
                    + "those of fewer than \(EncryptedMessage.senderBindingLength): whoever writes a message can look "
                    + "for two keys beforehand. What holds for the owner holds for an author who helps them.")
        }
        return [.heading("What this proves, and what it does not"), .list(items)]
    }

    /// What nothing in a package can prove, though it stands there.
    private var statements: [ReportBlock] {
        [
            .heading("As the archive's owner states"),
            .paragraph("These stand in the package, and nothing in it proves them:"),
            .list([
                "the choice in words; of the people and times chosen, all is here that the documents hold;",
                "of channels and teams: their names, of which team and what kind a channel is, and between whom; since when "
                    + "the server does not list it; that one is there of which no post is here; that one holds encrypted "
                    + "posts of which none is here;",
                "what the audit found, and whether a message is suspicious because of its other copies and versions (the "
                    + "marks TO LOOK AT, but for edits in the clear and impossible times);",
                "which keys were at hand as the owner's, and which of these they say they made; so, too, that no key was at "
                    + "hand for a text that is not shown, or that its key was damaged; since when somebody's encrypted posts "
                    + "were in the archive;",
                "of posts: in which order those of one time came; that "
                    + "one has not gone from the server without a tombstone; reactions and pins, which a later document may "
                    + "show differently; why a file is missing; who made an emoji.",
            ]),
        ]
    }

    private var redactions: [ReportBlock] {
        guard !facts.redaction.isEmpty else { return [] }
        let documents = facts.documents.filter(\.isRedacted).map { String($0.sequence) }
        var items = [
            "Shown without their texts: \(tally.counts.redacted) posts and old revisions. Each keeps its place, its time and the "
                + "SHA-256 of its bytes as they came: anyone who has the post can see that it is the same."
        ]
        if !documents.isEmpty {
            items.append(
                "These documents held such texts in the clear: \(documents.joined(separator: ", ")). The chain has their hashes, and "
                    + "they are here as the owner rendered them (documents/N.redacted), with nothing in these places but who, "
                    + "where and when, and without what is recorded of files of such posts. Nobody can hold a rendering against its hash: \(tally.ownersWord) posts and old "
                    + "revisions stand in such documents, and are marked NOT PROVEN. Where and when these stand, by whom, and "
                    + "what they say, unless it is signed, is as the archive's owner states.")
        }
        return [.heading("What was redacted"), .list(items)]
    }

    private var disclosures: [ReportBlock] {
        let others = facts.disclosure
        return [
            .heading("What else is in here"),
            .paragraph(
                "The server answers in pages. To show a page as it came is to show all of it: the documents of this "
                    + "package hold \(others.otherPosts) posts and old revisions besides those that were chosen, encrypted "
                    + "ones as they came, without a key; \(others.otherPlainPosts) are not encrypted. "
                    + (others.otherChannels > 0 ? "Some of these are of channels that were not chosen. " : "")
                    + "Documents about users and keys name other people than the authors, too, and chain.txt lists every "
                    + "request that the archive holds an answer to, with the ids of channels, and no content."),
        ]
    }

    /// A key by its id, and by what two people can read to each other.
    private static func named(_ keyID: String) -> String {
        let digits = KeyID(hex: keyID).map { "; read aloud: \(Fingerprint(of: $0))" } ?? ""
        return grouped(keyID) + digits
    }

    /// In groups that an eye can follow.
    static func grouped(_ digits: String) -> String {
        stride(from: 0, to: digits.utf8.count, by: 8).map { start in
            String(decoding: Array(digits.utf8)[start..<min(start + 8, digits.utf8.count)], as: UTF8.self)
        }.joined(separator: " ")
    }
}
