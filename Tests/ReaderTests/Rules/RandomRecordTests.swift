import Testing

/// Random records of showings, answers, names, lists and posts: in each, the program says of every version what the second
/// implementation of the rules says.
@Suite struct RandomRecordTests {
    /// A failing record is run again by its number alone.
    @Test(arguments: 0..<40) func theProgramAndTheSecondImplementationAgree(_ batch: Int) async throws {
        for number in 0..<25 {
            let seed = UInt64(batch * 25 + number)
            let record = Self.record(seed)
            let archive = try await RecordArchive(record)
            let model = RulesModel(record)
            for (place, judged) in try await archive.judgements().enumerated() {
                let expected = model.judgement(of: place)
                #expect(judged == expected, "record \(seed), version \(place)")
            }
            let standings = try archive.standings()
            for user in RandomRecord.users {
                for signer in RandomRecord.signers {
                    let current = model.current(of: user) == signer ? ", current" : ""
                    let expected = model.standing(of: signer, for: user).map { "\($0.rawValue)\(current)" }
                    #expect(standings["\(user) \(signer)"] == expected, "record \(seed), signer \(signer) of \(user)")
                }
            }
        }
    }

    static func record(_ seed: UInt64) -> RecordModel {
        var random = RandomRecord(seed)
        return random.make()
    }
}

/// Makes a record at random: mostly what honest people and servers do, with whatever a hostile one might.
private struct RandomRecord {
    static let users = ["alice", "bob", "carol"]
    static let signers = 1...5

    private var random: Seeded
    private var record = RecordModel(owner: "alice")
    private var time: Int64 = 1_795_000_000_000
    private var count = 0
    /// In the pull under way: each edit is later than the one before.
    private var edits: Int64 = 0
    /// The versions so far.
    private var versions: [RecordModel.Version] = []
    /// Of whom the server shows no key, if of anybody.
    private var unshown: String?
    private var names = ["alice": "alice", "bob": "bob", "carol": "carol"]

    init(_ seed: UInt64) { random = Seeded(seed) }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    private mutating func one<T>(of values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }

    /// Mostly a user's own signers, so that something stands; at times anybody's.
    private mutating func signer(of user: String) -> Int {
        guard chance(85) else { return Int.random(in: Self.signers, using: &random) }
        let own = ["alice": [1, 2], "bob": [3, 4], "carol": [5, 4]]
        return one(of: own[user] ?? [1])
    }

    private mutating func key(of user: String) -> RecordModel.Key {
        .init(signer: signer(of: user), encryption: chance(10) ? 1 : 0)
    }

    mutating func make() -> RecordModel {
        if chance(20) { unshown = one(of: ["bob", "carol"]) }
        for _ in 0..<Int.random(in: 4...14, using: &random) {
            time += Int64.random(in: 60_000...5 * 86_400_000, using: &random)
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<6: pull()
            case 6, 7: answer()
            case 8: chance(50) ? restore() : list()
            default: nameOriginal()
            }
        }
        return record
    }

    private mutating func add(_ what: RecordModel.What) { record.steps.append(.init(time: time, what: what)) }

    private mutating func pull() {
        var pull = RecordModel.Pull()
        // Whom nobody else is: no pull is without an answer.
        pull.shown["zoe"] = .some(nil)
        for user in Self.users where chance(85) {
            pull.shown[user] = user == unshown || chance(10) ? .some(nil) : .some(key(of: user))
        }
        if chance(15) {
            let user = one(of: Self.users)
            pull.names[user] = one(of: ["alice", "bob", "carol", "robert"])
        }
        for (user, name) in names
        where !record.steps.contains(where: { if case .pull = $0.what { true } else { false } }) {
            if pull.names[user] == nil { pull.names[user] = name }
        }
        edits = 0
        for _ in 0..<Int.random(in: 0...4, using: &random) { pull.versions += version() }
        versions += pull.versions
        add(.pull(pull))
    }

    /// A new post, an edit, an edit rolled back, a copy, a post moved, or clear text beside a message.
    private mutating func version() -> [RecordModel.Version] {
        count += 1
        let before = Int64.random(in: 60_000...10 * 86_400_000, using: &random)
        let author = one(of: Self.users)
        let live = versions.filter { !$0.isRevision }
        guard !live.isEmpty, chance(40) else {
            return [
                .init(
                    post: name(count), author: author, signer: chance(95) ? signer(of: author) : nil,
                    ciphertext: count, createAt: time - before, editAt: 0, isRevision: false,
                    hasClearText: chance(3), isImported: false)
            ]
        }
        let old = one(of: live)
        let newest = live.last { $0.post == old.post } ?? old
        switch Int.random(in: 0..<5, using: &random) {
        case 0:
            // An edit, at times with the old revision.
            let edit = edited(newest, ciphertext: count, signer: signer(of: newest.author))
            return chance(50) ? [edit] : [edit, revision(of: newest, until: edit.editAt)]
        case 1: return [edited(newest, ciphertext: old.ciphertext, signer: old.signer)]
        case 2:
            return [
                .init(
                    post: name(count), author: chance(70) ? old.author : author, signer: old.signer,
                    ciphertext: old.ciphertext, createAt: time - before, editAt: 0, isRevision: false,
                    hasClearText: false, isImported: false)
            ]
        case 3:
            // The same post, of another time and perhaps another author.
            return [
                .init(
                    post: newest.post, author: chance(50) ? newest.author : author, signer: newest.signer,
                    ciphertext: newest.ciphertext, createAt: newest.createAt + 1000, editAt: newest.editAt,
                    isRevision: false, hasClearText: false, isImported: false)
            ]
        default: return [edited(newest, ciphertext: newest.ciphertext, signer: newest.signer, clear: true)]
        }
    }

    /// Edited between the last pull and this one.
    private mutating func edited(
        _ version: RecordModel.Version, ciphertext: Int, signer: Int?, clear: Bool = false
    ) -> RecordModel.Version {
        edits += 1
        return .init(
            post: version.post, author: version.author, signer: signer, ciphertext: ciphertext,
            createAt: version.createAt, editAt: time - 60_000 + 5_000 * edits,
            isRevision: false, hasClearText: clear, isImported: false)
    }

    private func revision(of version: RecordModel.Version, until time: Int64) -> RecordModel.Version {
        .init(
            post: version.post, author: version.author, signer: version.signer, ciphertext: version.ciphertext,
            createAt: version.createAt, editAt: time, isRevision: true, hasClearText: false, isImported: false)
    }

    private mutating func answer() {
        let user = one(of: Self.users)
        let key = key(of: user)
        let subject: RecordModel.Subject = chance(80) ? .key(key) : .signer(key.signer)
        var answers: [RecordModel.Answer] = [.confirmed, .confirmedEarlier, .rejected, .accepted, .adopted, .withdrawn]
        // What the program refuses to note: see “Standing of a signer for a user”.
        if user == "alice" { answers = [.confirmed, .confirmedEarlier, .rejected, .own, .own, .withdrawn] }
        add(.answered(user: user, subject, one(of: answers)))
    }

    private mutating func restore() { add(.restored(key(of: "alice"))) }

    private mutating func list() {
        let colleague = one(of: ["bob", "carol"])
        let user = one(of: Self.users)
        let entry = RecordModel.Entry(user: user, key: key(of: user), isConfirmed: chance(60))
        add(.list(by: colleague, signedBy: key(of: colleague), [entry]))
    }

    private mutating func nameOriginal() {
        guard !versions.isEmpty else { return }
        let version = one(of: versions)
        add(.namedOriginal(post: version.post, ciphertext: version.ciphertext))
    }

    private func name(_ number: Int) -> String {
        "post"
            + String(number).map { String(UnicodeScalar(UInt8(ascii: "a") + UInt8($0.wholeNumberValue ?? 0))) }.joined()
    }
}
