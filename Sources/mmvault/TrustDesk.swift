import Archive
import ArgumentParser
import Bytes
import E2EE
import Reader

/// Where decisions about keys are taken: an account's archive with everything that is known of keys.
struct TrustDesk {
    let directory: AccountDirectory
    let archive: Archive
    let account: Account
    let register: TrustRegister
    let people: People
    /// By user id.
    let usernames: [String: String]
    /// Those of whom the server showed a key once and has none now.
    let withoutKey: [String: Timestamp]
    private let nameChanges: [NameChange]

    /// - Parameter isCheckedLater: whether the command checks the whole archive before it says anything.
    init(_ vault: VaultOptions, isCheckedLater: Bool = false) async throws {
        directory = try vault.directory()
        archive = isCheckedLater ? try Archive(directory) : try await Archive.opened(directory)
        account = try archive.account()
        register = try TrustRegister(archive)
        withoutKey = try archive.keyRecord().withoutKeyNow
        nameChanges = try archive.nameChanges()
        let users = try archive.users()
        people = People(account: account, users: users, teams: [], names: register.trusted.record.names)
        usernames = Dictionary(users.map { ($0.id, $0.username) }, uniquingKeysWith: { first, _ in first })
    }

    /// Those of whom a key is known, by name.
    var usersWithKeys: [String] {
        register.entries.keys.sorted { (usernames[$0] ?? "", $0) < (usernames[$1] ?? "", $1) }
    }

    /// - Parameter name: a user's name, with or without its @, or id.
    func user(named name: String) throws -> String {
        if register.entries[name] != nil || usernames[name] != nil { return name }
        let wanted = (name.hasPrefix("@") ? String(name.dropFirst()) : name).lowercased()
        let found = usernames.filter { $0.value == wanted }.keys.sorted()
        if found.count == 1 { return found[0] }
        guard !found.isEmpty else { throw Failure.noUser(name, among: Array(usernames.values)) }
        throw Failure(
            .usage, "several users are called “\(SafeText.line(name))”: \(found.joined(separator: ", "))",
            hint: "name one by the id")
    }

    /// - Parameter digits: the beginning of a key's id, or of a signer's where no key is known: eight digits or more.
    func entry(of userID: String, _ digits: String) throws -> TrustRegister.Entry {
        guard TrustDesk.isBeginning(digits) else {
            throw Failure(
                .usage, "“\(SafeText.line(digits))” is no key's id", hint: "give eight of its 64 digits, or more")
        }
        let found = register.entries(of: userID, beginningWith: digits)
        if found.count == 1 { return found[0] }
        throw Failure(
            .usage,
            found.isEmpty
                ? "no key of \(people.username(userID)) begins with \(digits)"
                : "several keys of \(people.username(userID)) begin with \(digits)",
            hint: "“mmvault trust \(people.argument(userID))” lists them")
    }

    /// Asks at the terminal; elsewhere nothing is ever agreed to by accident.
    ///
    /// - Parameters:
    ///   - isAgreed: `--yes`.
    ///   - id: what was named on the command line to be decided about: `--yes` demands the whole id. nil where the
    ///     question is not about one.
    static func agree(_ question: String, isAgreed: Bool, id: String?) throws {
        if isAgreed {
            guard id == nil || id?.utf8.count == 64 else {
                throw Failure(
                    .usage, "--yes takes a key's whole id, of 64 digits",
                    hint: "without --yes, at a terminal, its first eight are enough; nothing was changed")
            }
            return
        }
        guard Terminal.inputIsTerminal else {
            throw Failure(
                .usage, "this is decided at a terminal",
                hint: "\(id == nil ? "--yes" : "--yes, with the whole id,") decides it without a question; "
                    + "nothing was changed")
        }
        let answer = Prompt.answer("\(question) [y/N] ")?.lowercased() ?? ""
        guard answer == "y" || answer == "yes" else { throw Failure(.failure, "nothing was changed") }
    }

    /// Whether a text may be the beginning of an id, long enough not to be a slip.
    static func isBeginning(_ digits: String) -> Bool {
        (8...64).contains(digits.utf8.count) && digits.utf8.allSatisfy { Hex.isDigit($0) }
    }

    /// Whose name it was before by which somebody is called up now; nil where it was nobody's.
    func formerOwners(ofNameOf userID: String) -> String? {
        let move = nameChanges.last { change in
            change.userID == userID && change.after == usernames[userID] && !change.formerOwners.isEmpty
        }
        return move.map { move in
            "until \(move.at.date) the name of user \(move.formerOwners.map(SafeText.line).joined(separator: ", ")); "
                + "this is user \(SafeText.line(userID))"
        }
    }

    /// An answer of the owner's about a key, or about a signer alone.
    struct Answer {
        let verb: TrustDecision.Verb
        let userID: String
        let signingPoint: [UInt8]
        let encryptionPoint: [UInt8]?

        init(_ verb: TrustDecision.Verb, _ entry: TrustRegister.Entry) {
            (self.verb, userID) = (verb, entry.userID)
            (signingPoint, encryptionPoint) = (entry.signingPoint, entry.encryptionPoint)
        }

        init(adopting signer: UnrecordedSigner, of userID: String) {
            (verb, self.userID) = (.adopted, userID)
            (signingPoint, encryptionPoint) = (signer.point.bytes, nil)
        }

        func isAbout(_ entry: TrustRegister.Entry) -> Bool {
            userID == entry.userID && signingPoint == entry.signingPoint && encryptionPoint == entry.encryptionPoint
        }
    }

    /// Keeps answers of the owner's: all of them, or none.
    func record(_ answers: [Answer]) async throws {
        guard !answers.isEmpty else { return }
        let now = Timestamp.now
        let decisions = answers.map { answer in
            TrustDecision(
                userID: answer.userID, verb: answer.verb, signingPoint: answer.signingPoint,
                encryptionPoint: answer.encryptionPoint, at: now, username: usernames[answer.userID])
        }
        try await ArchiveWriter(directory).append(TrustDecision.document(decisions, at: now), objects: .trust)
    }
}

extension TrustDesk {
    /// Says what answers that were just kept have changed beside the keys that they are about: a key that counted may not
    /// any more, and the other way round. An answer about one user may do that to another's.
    func tellEffects(of answers: [Answer]) throws {
        let now = try TrustedKeys(Archive(directory), atHand: [])
        let former = Dictionary(
            register.trusted.all.map { ("\($0.userID) \($0.subject)", $0) }, uniquingKeysWith: { first, _ in first })
        let answered = Dictionary(grouping: answers.filter { $0.verb != .withdrawn }) {
            "\($0.userID) \(SignerID(ofPoint: $0.signingPoint))"
        }
        var effects: [(line: String, command: String?)] = []
        for owned in now.all {
            let isAnswered = (answered["\(owned.userID) \(owned.signer.id)"] ?? []).contains {
                $0.encryptionPoint == nil || $0.encryptionPoint == owned.key?.encryptionPoint
            }
            guard !isAnswered, let before = former["\(owned.userID) \(owned.subject)"],
                before.authenticity != owned.authenticity,
                !(before.authenticity.isVerified && owned.authenticity.isVerified)
            else { continue }
            let title = "\(owned.key == nil ? "signer" : "key") \(owned.subject.prefix(16))…"
            let line =
                "What \(title) of \(people.username(owned.userID)) signed is \(owned.authenticity.rawValue) now, "
                + "and was \(before.authenticity.rawValue)."
            let isOpen = owned.standing == .succeeding || owned.standing == .disputed
            let command = "mmvault trust confirm \(people.argument(owned.userID)) \(owned.subject.prefix(8))"
            effects.append((line, isOpen && owned.userID != account.userID ? command : nil))
        }
        for effect in effects.prefix(Self.effectsShown) {
            Terminal.print(effect.line.wrapped())
            if let command = effect.command { Terminal.print("  \(command)") }
        }
        if effects.count > Self.effectsShown {
            Terminal.print(
                "So it is with \((effects.count - Self.effectsShown).of("more key")): “mmvault trust” lists them.")
        }
    }

    private static let effectsShown = 8
}

extension TrustedKeys {
    /// The colleague by whose list alone a post verifies.
    func voucher(of post: ReadPost) -> String? {
        guard post.verdict.authenticity?.isVerified == true, let signer = post.signer else { return nil }
        return voucher(ofSigner: signer, of: post.header.userID)
    }

    /// How many keys are known by colleagues' lists alone, and whose these are; nil where none are.
    ///
    /// - Parameter name: of a user's id.
    func listedInWords(_ name: (String) -> String) -> String? {
        let vouched = all.filter { $0.voucherID != nil && $0.standing != .rejected }
        guard !vouched.isEmpty else { return nil }
        let names = Set(vouched.compactMap(\.voucherID)).sorted().map { "\(name($0))'s" }.joined(separator: ", ")
        return "\(vouched.count.of("key")) known only from \(names) list: “mmvault verify” counts what rests on it."
    }

    /// What the owner's decisions change about verdicts; nil where nothing.
    var decidedInWords: String? {
        let rejected = all.filter { $0.standing == .rejected }.count
        let adopted = all.filter { $0.standing != .rejected && $0.key == nil }.count
        let facts = [
            rejected == 0 ? nil : "\(rejected.of("key")) rejected",
            adopted == 0 ? nil : "\(adopted.of("signer")) adopted",
        ].compactMap { $0 }
        return facts.isEmpty ? nil : "By your decision: \(facts.joined(separator: ", ")). “mmvault trust” shows which."
    }
}
