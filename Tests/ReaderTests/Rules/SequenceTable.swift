import Testing

/// A row of the table of sequences in docs/trust-rules.md.
///
/// A, B and E are signers 1, 2 and 3; T is 4. Pulls are a day apart, from day 1 on.
struct SequenceRow: CustomTestStringConvertible, Sendable {
    let name: String
    var history = History()
    /// Of each post, in order: `verified`, `newKeyUnanswered`, `verified datedBack`.
    var expected: [String]

    init(_ name: String, _ expected: [String], _ build: (inout History) -> Void) {
        (self.name, self.expected) = (name, expected)
        build(&history)
    }

    var testDescription: String { name }

    static let all: [SequenceRow] = [
        SequenceRow("A", ["verified"]) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 1], [$0.post(by: 1)])
        },
        SequenceRow("E from the first pull on, T never shown", ["verified", "signatureInvalid"]) {
            $0.pull(["bob": 3])
            $0.pull(["bob": 3], [$0.post(by: 3), $0.post(by: 4)])
        },
        SequenceRow("A, B", ["verified", "newKeyUnanswered"]) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": 2])
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow(
            "A, B, accept B; then B dated back, A going on, A archived late",
            [
                "verifiedByEarlierKey", "verified", "verified datedBack", "verifiedByEarlierKey afterSuccession",
                "verifiedByEarlierKey afterSuccession",
            ]
        ) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": 1])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .accepted)
            $0.pull(["bob": 2], [$0.post(by: 2), $0.post(by: 2, onDay: 1)])
            $0.pull(["bob": 2], [$0.post(by: 1), $0.post(by: 1, onDay: 1)])
        },
        SequenceRow(
            "A, B, accept B, and an old post by A edited in the clear",
            ["verifiedByEarlierKey", "verifiedByEarlierKey editedInTheClear"]
        ) {
            let old = $0.post(by: 1)
            $0.pull(["bob": 1], [old])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .accepted)
            $0.pull(["bob": 2], [$0.edited(old, clear: true)])
        },
        SequenceRow("A, B, A", ["verified", "keyDisputed"]) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 2])
            $0.pull(["bob": 1], [$0.post(by: 1), $0.post(by: 2)])
        },
        SequenceRow("A, B, A, B", ["verified", "newKeyUnanswered"]) {
            for signer in [1, 2, 1, 2] { $0.pull(["bob": signer]) }
            $0.pull(["bob": 2], [$0.post(by: 1), $0.post(by: 2)])
        },
        SequenceRow(
            "A, accept B, A, B (two devices)", ["verifiedByEarlierKey", "verified"]
        ) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .accepted)
            $0.pull(["bob": 1])
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow("two devices, both confirmed in use", ["verifiedByEarlierKey", "verified"]) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .confirmed)
            $0.answer("bob", 1, .confirmed)
            $0.pull(["bob": 1], [$0.post(by: 1), $0.post(by: 2)])
        },
        SequenceRow("confirm A, then B; accept is refused", ["verified", "newKeyUnanswered"]) {
            $0.pull(["bob": 1])
            $0.answer("bob", 1, .confirmed)
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .accepted)
            $0.pull(["bob": 2], [$0.post(by: 1), $0.post(by: 2)])
        },
        SequenceRow("A, B, confirm B in use, A “no longer used”", ["verifiedByEarlierKey", "verified"]) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .confirmed)
            $0.answer("bob", 1, .confirmedEarlier)
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow("A, B, confirm B in use, nothing said of A", ["newKeyUnanswered", "verified"]) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": 2])
            $0.answer("bob", 2, .confirmed)
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow("confirm B, later confirm A as no longer used", ["verifiedByEarlierKey", "verified"]) {
            $0.pull(["bob": 2], [$0.post(by: 1)])
            $0.answer("bob", 2, .confirmed)
            $0.pull(["bob": 2])
            $0.answer("bob", 1, .confirmedEarlier)
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow("E, reject E, T", ["signatureInvalid", "newKeyUnanswered"]) {
            $0.pull(["bob": 3], [$0.post(by: 3)])
            $0.answer("bob", 3, .rejected)
            $0.pull(["bob": 4], [$0.post(by: 4)])
        },
        SequenceRow("A, E, reject E, a new post by A", ["verified", "signatureInvalid"]) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 3])
            $0.answer("bob", 3, .rejected)
            $0.pull(["bob": 3], [$0.post(by: 1), $0.post(by: 3)])
        },
        SequenceRow("A, null, B", ["verified", "newKeyUnanswered"]) {
            $0.pull(["bob": 1], [$0.post(by: 1)])
            $0.pull(["bob": .none])
            $0.pull(["bob": 2], [$0.post(by: 2)])
        },
        SequenceRow("encrypted posts archived, then null, then A", ["newKeyUnanswered", "newKeyUnanswered"]) {
            $0.pull([:], [$0.post(by: 1)])
            $0.pull(["bob": .none])
            $0.pull(["bob": 1], [$0.post(by: 1)])
        },
        SequenceRow("null, then a key, then posts", ["verified"]) {
            $0.pull(["bob": .none])
            $0.pull(["bob": 1], [$0.post(by: 1)])
        },
        SequenceRow("A for the colleague; later A also for another user", ["verified", "keyDisputed"]) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 1, "carol": 1], [$0.post(by: 1), $0.post(by: 1, author: "carol")])
        },
        SequenceRow(
            "A for the colleague; later A for another user, and B for the colleague", ["verified", "keyDisputed"]
        ) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 2, "carol": 1], [$0.post(by: 1), $0.post(by: 1, author: "carol")])
        },
        SequenceRow(
            "A for the colleague; later A for another user, who is rejected there", ["verified", "signatureInvalid"]
        ) {
            $0.pull(["bob": 1])
            $0.pull(["bob": 1, "carol": 1], [$0.post(by: 1), $0.post(by: 1, author: "carol")])
            $0.answer("carol", 1, .rejected)
        },
        SequenceRow(
            "E for the colleague, rejected; then T for the colleague and E for another user",
            ["newKeyUnanswered", "newKeyUnanswered"]
        ) {
            $0.pull(["bob": 3])
            $0.answer("bob", 3, .rejected)
            $0.pull(["bob": 4, "carol": 3], [$0.post(by: 4), $0.post(by: 3, author: "carol")])
        },
        SequenceRow("one pull: A for both", ["keyDisputed", "keyDisputed"]) {
            $0.pull(["bob": 1, "carol": 1], [$0.post(by: 1), $0.post(by: 1, author: "carol")])
        },
        SequenceRow("one pull: A for both, confirmed for one", ["verified", "keyDisputed"]) {
            $0.pull(["bob": 1, "carol": 1], [$0.post(by: 1), $0.post(by: 1, author: "carol")])
            $0.answer("bob", 1, .confirmed)
        },
        SequenceRow(
            "the colleague is renamed; another id, seen first before, takes the name", ["verified", "newKeyUnanswered"]
        ) {
            $0.pull(["bob": 1, "mallory": 3], names: ["bob": "bob", "mallory": "mallory"])
            $0.pull(["bob": 1, "mallory": 3], names: ["bob": "robert"])
            $0.pull(
                ["bob": 1, "mallory": 3], [$0.post(by: 1), $0.post(by: 3, author: "mallory")], names: ["mallory": "bob"]
            )
        },
        SequenceRow("renamed, and renamed back", ["verified"]) {
            $0.pull(["bob": 1, "mallory": 3], names: ["bob": "bob", "mallory": "mallory"])
            $0.pull(["bob": 1, "mallory": 3], names: ["bob": "robert"])
            $0.pull(["bob": 1, "mallory": 3], names: ["mallory": "bob"])
            $0.pull(["bob": 1, "mallory": 3], [$0.post(by: 1)], names: ["mallory": "mallory", "bob": "bob"])
        },
        SequenceRow("owner: A shown and restored, “mine”", ["verified"]) {
            $0.pull(["alice": 1])
            $0.restore(1)
            $0.answer("alice", 1, .own)
            $0.pull(["alice": 1], [$0.post(by: 1, author: "alice")])
        },
        SequenceRow("owner: A own, then E shown", ["verified", "newKeyUnanswered"]) {
            $0.pull(["alice": 1])
            $0.answer("alice", 1, .own)
            $0.pull(["alice": 3], [$0.post(by: 1, author: "alice"), $0.post(by: 3, author: "alice")])
        },
        SequenceRow("owner: E shown, A restored and “mine”, never shown", ["newKeyUnanswered", "verified"]) {
            $0.pull(["alice": 3])
            $0.restore(1)
            $0.answer("alice", 1, .own)
            $0.pull(["alice": 3], [$0.post(by: 3, author: "alice"), $0.post(by: 1, author: "alice")])
        },
        SequenceRow(
            "owner: an old key that was never shown, and then the shown one, both “mine”",
            ["verifiedByEarlierKey", "verified"]
        ) {
            $0.pull(["alice": 2])
            $0.restore(1)
            $0.answer("alice", 1, .own)
            $0.restore(2)
            $0.answer("alice", 2, .own)
            $0.pull(["alice": 2], [$0.post(by: 1, author: "alice"), $0.post(by: 2, author: "alice")])
        },
        SequenceRow("owner: any restored key without an answer", ["newKeyUnanswered", "verified"]) {
            $0.pull(["alice": 2])
            $0.restore(1)
            $0.pull(["alice": 2], [$0.post(by: 1, author: "alice"), $0.post(by: 2, author: "alice")])
        },
        SequenceRow("a signer adopted", ["verifiedByEarlierKey"]) {
            $0.pull(["bob": 2], [$0.post(by: 1)])
            $0.answer("bob", signer: 1, .adopted)
        },
        SequenceRow("a signer confirmed on a list that counts", ["verifiedByEarlierKey"]) {
            $0.pull(["bob": 2, "carol": 4], [$0.post(by: 1)])
            $0.answer("carol", 4, .confirmed)
            $0.list(by: "carol", 4, of: "bob", 1, isConfirmed: true)
        },
        SequenceRow(
            "a signer merely seen on a list, and one confirmed by a key that is only pinned",
            ["newKeyUnanswered", "newKeyUnanswered"]
        ) {
            $0.pull(["bob": 2, "carol": 4], [$0.post(by: 1), $0.post(by: 3)])
            $0.list(by: "carol", 4, of: "bob", 1, isConfirmed: false)
            $0.list(by: "carol", 4, of: "bob", 3, isConfirmed: true)
        },
        // Suspicions that the table does not name.
        SequenceRow("an edit rolled back", ["verified", "verified", "verified rolledBack"]) {
            let first = $0.post(by: 1)
            $0.pull(["bob": 1], [first])
            let second = $0.edited(first, message: true)
            $0.pull(["bob": 1], [second])
            $0.pull(["bob": 1], [$0.edited(first)])
        },
        SequenceRow("a message of an earlier pull, again in another post", ["verified", "verified repeated"]) {
            let first = $0.post(by: 1)
            $0.pull(["bob": 1], [first])
            $0.pull(["bob": 1], [$0.copied(first)])
        },
        SequenceRow("one pull with a message and its copy", ["verified repeated", "verified repeated"]) {
            let first = $0.post(by: 1)
            $0.pull(["bob": 1], [first, $0.copied(first)])
        },
        SequenceRow(
            "one pull with a message and its copy, and the owner names the original", ["verified", "verified repeated"]
        ) {
            let first = $0.post(by: 1)
            $0.pull(["bob": 1], [first, $0.copied(first)])
            $0.nameOriginal(first)
        },
        SequenceRow("a key that was rejected, again with another encryption point", ["signatureInvalid"]) {
            $0.pull(["bob": 3])
            $0.answer("bob", 3, .rejected)
            $0.pull(["bob": 3], [$0.post(by: 3)], encryption: 1)
        },
    ]
}

/// Builds a record, a day at a time.
struct History: Sendable {
    private(set) var record = RecordModel(owner: "alice")
    private var day: Int64 = 0
    private var count = 0

    static let beginning: Int64 = 1_795_000_000_000
    private static let dayLength: Int64 = 86_400_000

    mutating func pull(
        _ shown: [String: Int?], _ versions: [RecordModel.Version] = [], names: [String: String] = [:],
        encryption: Int = 0
    ) {
        day += 1
        var pull = RecordModel.Pull()
        pull.shown = shown.mapValues { $0.map { RecordModel.Key(signer: $0, encryption: encryption) } }
        // So that no pull is without an answer.
        if pull.shown["zoe"] == nil { pull.shown["zoe"] = .some(nil) }
        pull.names = names
        pull.versions = versions
        add(.pull(pull))
    }

    private mutating func add(_ what: RecordModel.What) {
        let last = record.steps.last?.time ?? 0
        record.steps.append(.init(time: max(last + 1, Self.beginning + day * Self.dayLength), what: what))
    }

    mutating func answer(_ user: String, _ signer: Int, _ answer: RecordModel.Answer) {
        add(.answered(user: user, .key(.init(signer: signer, encryption: 0)), answer))
    }

    mutating func answer(_ user: String, signer: Int, _ answer: RecordModel.Answer) {
        add(.answered(user: user, .signer(signer), answer))
    }

    mutating func restore(_ signer: Int) { add(.restored(.init(signer: signer, encryption: 0))) }

    mutating func list(by colleague: String, _ signer: Int, of user: String, _ key: Int, isConfirmed: Bool) {
        let entry = RecordModel.Entry(user: user, key: .init(signer: key, encryption: 0), isConfirmed: isConfirmed)
        add(.list(by: colleague, signedBy: .init(signer: signer, encryption: 0), [entry]))
    }

    mutating func nameOriginal(_ version: RecordModel.Version) {
        add(.namedOriginal(post: version.post, ciphertext: version.ciphertext))
    }

    /// A post that the next pull brings: dated an hour before that pull, or before the pull of another day.
    mutating func post(by signer: Int, author: String = "bob", onDay: Int64? = nil) -> RecordModel.Version {
        count += 1
        let time = Self.beginning + (onDay ?? day + 1) * Self.dayLength - 3_600_000
        return .init(
            post: "post\(Self.letters(count))", author: author, signer: signer, ciphertext: count, createAt: time,
            editAt: 0, isRevision: false, hasClearText: false, isImported: false)
    }

    /// The same post, edited shortly before the next pull.
    mutating func edited(
        _ version: RecordModel.Version, message isOther: Bool = false, clear hasClearText: Bool = false
    ) -> RecordModel.Version {
        count += 1
        return .init(
            post: version.post, author: version.author, signer: version.signer,
            ciphertext: isOther ? count : version.ciphertext, createAt: version.createAt,
            editAt: Self.beginning + (day + 1) * Self.dayLength - 1_800_000, isRevision: false,
            hasClearText: hasClearText, isImported: false)
    }

    /// Another post with the same message.
    mutating func copied(_ version: RecordModel.Version) -> RecordModel.Version {
        count += 1
        return .init(
            post: "post\(Self.letters(count))", author: version.author, signer: version.signer,
            ciphertext: version.ciphertext, createAt: version.createAt + 60_000, editAt: 0, isRevision: false,
            hasClearText: false, isImported: false)
    }

    private static func letters(_ number: Int) -> String {
        String(number).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0.wholeNumberValue ?? 0))) }.joined()
    }
}
