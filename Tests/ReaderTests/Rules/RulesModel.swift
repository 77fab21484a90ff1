/// A second implementation of the trust rules, written from `trust-rules.md` alone: small, slow, and plain. The random
/// test compares the program with it. Quotes in the comments are from that document.
struct RulesModel {
    enum Standing: String { case rejected, confirmed, own, accepted, pinned, adopted, listed, disputed, succeeding }
    enum Authenticity: String {
        case verified, verifiedByEarlierKey, newKeyUnanswered, keyDisputed, signatureInvalid, unknownSender
    }
    enum Suspicion: String, CaseIterable {
        case datedBack, afterSuccession, rolledBack, repeated, moved, editedInTheClear
    }
    struct Judgement: Equatable { var authenticity: Authenticity, suspicions: Set<Suspicion>, isClean: Bool }

    private typealias Key = RecordModel.Key
    private typealias Answer = RecordModel.Answer
    private typealias Subject = RecordModel.Subject
    private typealias Version = RecordModel.Version
    private enum How { case shown, restored, listed, answered }
    /// A signer (and a key of it, but where an answer was about the signer alone) comes up for a user.
    private struct Mention { let step: Int, how: How, user: String, signer: Int, key: Key? }
    /// `since`: when this answer was given first; to say it again changes nothing about that.
    private struct Given { let step: Int, since: Int, signer: Int, subject: Subject, answer: Answer }
    private struct Pulled { let time: Int64, pull: RecordModel.Pull }
    private struct Archived { let place: Int, pull: Int, version: Version }
    /// One entry, and whose list it is from, signed by which signer.
    private struct Listing { let isConfirmed: Bool, colleague: String, signer: Int }

    private static let tenMinutes: Int64 = 600_000
    private let record: RecordModel
    private var mentions: [Mention] = []
    private var pulls: [Pulled] = []
    private var archive: [Archived] = []
    private var sightings: [String: [Int: [Int]]] = [:]
    /// The newest answer about each subject, of each user; no withdrawn ones.
    private var answers: [String: [Subject: Given]] = [:]
    private var users: Set<String> = []
    private var signers: Set<Int> = []
    private var standings: [String: [Int: Standing]] = [:]

    init(_ record: RecordModel) {
        self.record = record
        for (number, step) in record.steps.enumerated() {
            switch step.what {
            case .pull(let pull): add(pull, number, time: step.time)
            case .restored(let key): mention(number, .restored, record.owner, key.signer, key)
            case .answered(let user, let subject, let answer): add(answer, user, subject, number)
            case .list(_, _, let entries):
                for entry in entries { mention(number, .listed, entry.user, entry.key.signer, entry.key) }
            case .namedOriginal: break
            }
        }
        users = Set(mentions.map(\.user) + pulls.flatMap { $0.pull.names.keys })
        signers = Set(mentions.map(\.signer))
        for user in users {
            for signer in signers { standings[user, default: [:]][signer] = firstThatHolds(signer, user) }
        }
    }

    private mutating func mention(_ step: Int, _ how: How, _ user: String, _ signer: Int, _ key: Key?) {
        mentions.append(Mention(step: step, how: how, user: user, signer: signer, key: key))
    }

    private mutating func add(_ pull: RecordModel.Pull, _ step: Int, time: Int64) {
        for case (let user, let key?) in pull.shown {
            mention(step, .shown, user, key.signer, key)
            sightings[user, default: [:]][key.signer, default: []].append(pulls.count)
        }
        for new in pull.versions { archive.append(Archived(place: archive.count, pull: pulls.count, version: new)) }
        pulls.append(Pulled(time: time, pull: pull))
    }

    /// Accept “is refused for the owner's id”: there it is as if never given. So is “own” for anybody else.
    private mutating func add(_ answer: Answer, _ user: String, _ subject: Subject, _ step: Int) {
        if answer == .accepted && user == record.owner || answer == .own && user != record.owner { return }
        let (signer, key): (Int, Key?)
        switch subject {
        case .key(let about): (signer, key) = (about.signer, about)
        case .signer(let about): (signer, key) = (about, nil)
        }
        let before = answers[user]?[subject]
        let since = before?.answer == answer ? before?.since : step
        let given = Given(step: step, since: since ?? step, signer: signer, subject: subject, answer: answer)
        answers[user, default: [:]][subject] = answer == .withdrawn ? nil : given
        if answer != .withdrawn { mention(step, .answered, user, signer, key) }
    }

    /// The key that this pull showed for the user; nil for null, and where the user was not asked about.
    private func keyShown(for user: String, inPull number: Int) -> Key? { pulls[number].pull.shown[user] ?? nil }
    /// The numbers of the pulls that showed the signer for the user, ascending.
    private func sightings(_ signer: Int, _ user: String) -> [Int] { sightings[user]?[signer] ?? [] }
    /// The answers that count about the signer, or about a key of it.
    private func given(_ signer: Int, _ user: String) -> [Given] {
        (answers[user] ?? [:]).values.filter { $0.signer == signer }
    }

    /// “Rejecting a key rejects its signer only if no other key with that signer stands.” Rejecting the signer rejects
    /// all its keys, until a later positive answer. A later positive answer about the signer lifts a key's rejection.
    private func isRejected(_ signer: Int, _ user: String) -> Bool {
        let given = given(signer, user)
        return given.filter { $0.answer == .rejected }.contains { rejection in
            let later = given.filter { $0.answer != .rejected && $0.step > rejection.step }
            guard case .key(let rejected) = rejection.subject else { return later.isEmpty }
            if later.contains(where: { $0.subject == .signer(signer) }) { return false }
            return !mentions.contains { other in
                guard other.user == user, other.how != .listed, let key = other.key, key.signer == signer,
                    key != rejected
                else { return false }
                let answer = answers[user]?[.key(key)]?.answer
                // Known before; or answered, and the answer still stands.
                return answer != .rejected && (other.how == .answered ? answer != nil : other.step < rejection.since)
            }
        }
    }

    private func has(_ wanted: Set<Answer>, _ signer: Int, _ user: String) -> Bool {
        given(signer, user).contains { wanted.contains($0.answer) } && !isRejected(signer, user)
    }

    private func isConfirmed(_ id: Int, _ user: String) -> Bool { has([.confirmed, .confirmedEarlier], id, user) }
    private func hasConfirmedSigner(_ user: String) -> Bool { signers.contains { isConfirmed($0, user) } }

    /// An acceptance is void for a user who has a confirmed signer: “there only `confirm` lifts”.
    private func isAccepted(_ signer: Int, _ user: String) -> Bool {
        has([.accepted], signer, user) && !hasConfirmedSigner(user)
    }

    /// “Answered means confirmed, own, accepted or adopted.”
    private func isAnswered(_ signer: Int, _ user: String) -> Bool {
        isConfirmed(signer, user) || has([.own, .adopted], signer, user) || isAccepted(signer, user)
    }

    /// nil where the signer is not one of the user's in any way.
    func standing(of signer: Int, for user: String) -> Standing? { standings[user]?[signer] }

    private func firstThatHolds(_ signer: Int, _ user: String) -> Standing? {
        if isRejected(signer, user) { return .rejected }
        if isConfirmed(signer, user) { return .confirmed }
        if has([.own], signer, user) { return .own }
        if isAccepted(signer, user) { return .accepted }
        if isPinned(signer, user) { return .pinned }
        if has([.adopted], signer, user) { return .adopted }
        let listings = listings(signer, user)
        if isListed(listings, user) { return .listed }
        if isDisputed(signer, user) { return .disputed }
        return isKnown(signer, user) ? .succeeding : nil
    }

    /// “Any other: shown by the server; restored and not answered; on a list and not listed.”
    private func isKnown(_ signer: Int, _ user: String) -> Bool {
        mentions.contains { $0.how == .restored && $0.user == user && $0.signer == signer }
            || !sightings(signer, user).isEmpty || !listings(signer, user).isEmpty || !given(signer, user).isEmpty
    }

    /// “The first signer that the server showed for the user”, even where a rejected one was; with the exceptions.
    private func isPinned(_ signer: Int, _ user: String) -> Bool {
        let first = pulls.indices.first { keyShown(for: user, inPull: $0) != nil }
        guard let first, first == sightings(signer, user).first, !isRejected(signer, user) else { return false }
        // “After a confirmation, what stood as pinned … is succeeding”; and the owner's id, once one is own.
        if hasConfirmedSigner(user) || signers.contains(where: { has([.own], $0, user) }) { return false }
        // “The server had said null after an encrypted post of theirs was archived.” Within a pull, posts come last.
        let nulls = pulls.indices[..<first].filter { pulls[$0].pull.shown[user] == .some(nil) }
        let hadSaidNull = nulls.contains { null in archive.contains { $0.version.author == user && $0.pull < null } }
        if hadSaidNull || tookAName(user) { return false }
        return !users.subtracting([user]).contains { other in
            // “In the same pull or in an earlier one, even if it is rejected there”; or by an answer, whenever given.
            sightings(signer, other).contains { $0 <= first } || isAnswered(signer, other)
        }
    }

    /// “Takes a name that another id with a known key bore first, unless this id bore it before.” Where one pull brought
    /// both, neither bore it first, and both took it.
    private func tookAName(_ user: String) -> Bool {
        func firstBearing(_ name: String, _ user: String) -> Int? {
            pulls.indices.first { pulls[$0].pull.names[user]?.lowercased() == name }
        }
        return pulls.compactMap { $0.pull.names[user]?.lowercased() }.contains { name in
            guard let mine = firstBearing(name, user) else { return false }
            return users.subtracting([user]).contains { other in
                firstBearing(name, other) ?? .max <= mine && signers.contains { isKnown($0, other) }
            }
        }
    }

    /// What colleagues' lists say of the signer for the user: of each colleague and each key the newest, if it counts.
    private func listings(_ signer: Int, _ user: String) -> [Listing] {
        var newest: [String: [Key: Listing?]] = [:]
        for step in record.steps {
            guard case .list(let by, let key, let entries) = step.what else { continue }
            for entry in entries where entry.user == user && entry.key.signer == signer {
                let listing = Listing(isConfirmed: entry.isConfirmed, colleague: by, signer: key.signer)
                newest[by, default: [:]][entry.key] = counts(by, key) ? .some(listing) : .some(nil)
            }
        }
        return newest.values.flatMap(\.values).compactMap(\.self)
    }

    /// A list counts while its colleague is known by the key that signed it, not rejected. The owner is no colleague.
    private func counts(_ colleague: String, _ key: Key) -> Bool {
        let answer = answers[colleague]?[.key(key)]?.answer
        if colleague == record.owner || answer == .rejected || isRejected(key.signer, colleague) { return false }
        return answer != nil || pulls.indices.contains { keyShown(for: colleague, inPull: $0) == key }
    }

    /// “Confirmed in a colleague's list that a confirmed or accepted key of theirs signed; never for a user who has a
    /// confirmed signer”, and never for the owner.
    private func isListed(_ listings: [Listing], _ user: String) -> Bool {
        if user == record.owner || hasConfirmedSigner(user) { return false }
        return listings.filter(\.isConfirmed).contains { list in
            isConfirmed(list.signer, list.colleague) || isAccepted(list.signer, list.colleague)
        }
    }

    private func isDisputed(_ signer: Int, _ user: String) -> Bool {
        let mine = sightings(signer, user)
        // “Shown between two sightings of a pinned or answered signer, and not what the server shows now.”
        let isBetween = signers.contains { other in
            let theirs = sightings(other, user)
            guard other != signer, let first = theirs.first, let last = theirs.last else { return false }
            return mine.contains { first < $0 && $0 < last } && (isPinned(other, user) || isAnswered(other, user))
        }
        let lastSaid = pulls.indices.last { pulls[$0].pull.shown[user] != nil }
        if isBetween && lastSaid != mine.last { return true }
        // “Shown for this user while it stands for another”; “in one pull, first shown for both”.
        guard let last = mine.last else { return false }
        return users.subtracting([user]).contains { other in
            let isShownThere = sightings(signer, other).contains { $0 <= last }
            return (isShownThere && !isRejected(signer, other)) || isAnswered(signer, other)
        }
    }

    /// “The newest that is confirmed in use; else, for the owner, the own key that the server showed last, else the one
    /// last said to be theirs; else the newest accepted; else the pinned one; else nobody is.”
    func current(of user: String) -> Int? {
        func all(_ wanted: Standing) -> [Int] { signers.sorted().filter { standing(of: $0, for: user) == wanted } }
        func lastShown(_ signer: Int) -> Int { sightings(signer, user).last ?? -1 }
        func lastOwn(_ signer: Int) -> Int { given(signer, user).filter { $0.answer == .own }.map(\.step).max() ?? -1 }
        if let inUse = newest(all(.confirmed).filter { isInUse($0, user) }, user) { return inUse }
        // Of those that were never shown, `lastShown` is equal, and the answer decides.
        let own = all(.own).max { (lastShown($0), lastOwn($0)) < (lastShown($1), lastOwn($1)) }
        return own ?? newest(all(.accepted), user) ?? all(.pinned).first
    }

    /// Whether the newest confirmation says that it is in use.
    private func isInUse(_ signer: Int, _ user: String) -> Bool {
        let confirmations = given(signer, user).filter { [.confirmed, .confirmedEarlier].contains($0.answer) }
        return isConfirmed(signer, user) && confirmations.max { $0.step < $1.step }?.answer == .confirmed
    }

    /// “Newest means first shown latest; what was never shown comes after, by the time of the answer.”
    private func newest(_ candidates: [Int], _ user: String) -> Int? {
        func rank(_ signer: Int) -> (Int, Int) {
            if let first = sightings(signer, user).first { return (0, first) }
            return (1, given(signer, user).filter { $0.answer != .rejected }.map(\.step).max() ?? -1)
        }
        return candidates.max { rank($0) < rank($1) }
    }

    /// `place`: the version's place among all versions of the record, in the order of arrival.
    func judgement(of place: Int) -> Judgement {
        let archived = archive[place]
        let authenticity = authenticity(of: archived.version)
        var suspicions: Set<Suspicion> = archived.version.hasClearText ? [.editedInTheClear] : []
        // “Imports are exempt.”
        if !archived.version.isImported {
            if isDatedBack(archived.version) { suspicions.insert(.datedBack) }
            if isAfterSuccession(archived.version) { suspicions.insert(.afterSuccession) }
            if isRolledBack(archived) { suspicions.insert(.rolledBack) }
            if isRepeated(archived.version) { suspicions.insert(.repeated) }
            if isMoved(archived.version) { suspicions.insert(.moved) }
        }
        let isClean = [.verified, .verifiedByEarlierKey].contains(authenticity) && suspicions.isEmpty
        return Judgement(authenticity: authenticity, suspicions: suspicions, isClean: isClean)
    }

    /// An author who has no signer, not even a rejected one, is an unknown sender.
    private func authenticity(of version: Version) -> Authenticity {
        let author = version.author
        if signers.allSatisfy({ standing(of: $0, for: author) == nil }) { return .unknownSender }
        guard let signer = version.signer else { return .signatureInvalid }
        if signer == current(of: author) { return .verified }
        switch standing(of: signer, for: author) {
        case nil, .rejected: return .signatureInvalid
        case .confirmed, .own, .accepted, .pinned, .adopted, .listed: return .verifiedByEarlierKey
        case .disputed: return .keyDisputed
        case .succeeding: return .newKeyUnanswered
        }
    }

    private func ownTime(_ version: Version) -> Int64 { version.editAt > 0 ? version.editAt : version.createAt }
    /// Where the ciphertext was first archived in this post. Imports do not count.
    private func firstArchived(_ ciphertext: Int, in post: String) -> Archived? {
        archive.first { !$0.version.isImported && $0.version.post == post && $0.version.ciphertext == ciphertext }
    }

    /// What dates are asked about: a version whose signer was shown for the author, and is not rejected.
    private typealias Dated = (signer: Int, standing: Standing, first: Int, time: Int64, archivedIn: Int)
    private func dated(_ version: Version) -> Dated? {
        guard let signer = version.signer, let standing = standing(of: signer, for: version.author),
            let first = sightings(signer, version.author).first, standing != .rejected,
            let archived = firstArchived(version.ciphertext, in: version.post)
        else { return nil }
        return (signer, standing, first, ownTime(archived.version), archived.pull)
    }

    /// “The signer succeeded another, and the version is dated before the predecessor's last sighting before this
    /// signer's first; not where the signer is confirmed, own or adopted.”
    private func isDatedBack(_ version: Version) -> Bool {
        guard let dated = dated(version), ![.confirmed, .own, .adopted].contains(dated.standing) else { return false }
        let others = signers.filter { $0 != dated.signer && !isRejected($0, version.author) }
        let before = others.flatMap { sightings($0, version.author) }.filter { $0 < dated.first }
        return before.max().map { dated.time + Self.tenMinutes < pulls[$0].time } ?? false
    }

    /// “The signer was succeeded by an answered one, and the version is dated after the successor was first seen, or
    /// was first archived after a pull, before the successor, had passed the version's time; not where the signer is
    /// confirmed in use, or own.”
    private func isAfterSuccession(_ version: Version) -> Bool {
        guard let dated = dated(version), dated.standing != .own, !isInUse(dated.signer, version.author)
        else { return false }
        return signers.filter { isAnswered($0, version.author) }.contains { successor in
            guard let seen = sightings(successor, version.author).first, dated.first < seen else { return false }
            let passed = pulls.indices.filter { $0 < seen && pulls[$0].time > dated.time + Self.tenMinutes }
            return dated.time > pulls[seen].time + Self.tenMinutes || passed.contains { $0 < dated.archivedIn }
        }
    }

    /// “The ciphertext comes back as the live version of its post after a different version, whatever its edit time.”
    private func isRolledBack(_ live: Archived) -> Bool {
        guard !live.version.isRevision else { return false }
        let versions = archive.filter { !$0.version.isImported && $0.version.post == live.version.post }
        return versions.contains { different in
            different.version.ciphertext != live.version.ciphertext && isBefore(different, live)
                && versions.contains { $0.version.ciphertext == live.version.ciphertext && isBefore($0, different) }
        }
    }

    /// Whether one version was its post's before the other was. Live ones go by arrival. A revision was it until it
    /// ended, and a live one was it at the pull that brought it: its own edit time is only a claim.
    private func isBefore(_ left: Archived, _ right: Archived) -> Bool {
        switch (left.version.isRevision, right.version.isRevision) {
        case (false, false): left.place < right.place
        case (true, true): ownTime(left.version) < ownTime(right.version)
        case (true, false): ownTime(left.version) <= pulls[right.pull].time
        case (false, true): pulls[left.pull].time < ownTime(right.version)
        }
    }

    /// “The message first came in this post with another channel, thread, author or `create_at`.” A record has one channel
    /// and no threads.
    private func isMoved(_ version: Version) -> Bool {
        guard let first = firstArchived(version.ciphertext, in: version.post)?.version else { return false }
        return first.author != version.author || first.createAt != version.createAt
    }

    /// “The ciphertext stands in another post too. The original is the post in which an earlier pull archived it; where
    /// one pull brought both, both are, until the owner names the original.”
    private func isRepeated(_ version: Version) -> Bool {
        func firstPull(_ post: String) -> Int? { firstArchived(version.ciphertext, in: post)?.pull }
        let posts = Set(archive.map(\.version.post)).filter { firstPull($0) != nil }
        let named = record.steps.compactMap { step -> String? in
            guard case .namedOriginal(let post, version.ciphertext) = step.what else { return nil }
            return posts.contains(post) ? post : nil
        }
        if let original = named.last { return original != version.post }
        guard let mine = firstPull(version.post) else { return false }
        return posts.contains { other in other != version.post && (firstPull(other) ?? mine) <= mine }
    }
}
