internal import Archive

/// What events do not tell is asked, by the same walk as in a pull.
extension Follow {
    func ask(_ client: MattermostClient) async throws(ExporterError) {
        var failures = 0
        for await _ in desk.questions.rings {
            try await sleep(pace.settle)
            let agenda = desk.takeAgenda()
            guard agenda != FollowDesk.Agenda() else { continue }
            var rest = agenda
            var failure: ExporterError?
            do throws(ExporterError) {
                failure = try await work(client, &rest)
            } catch {
                if Follow.isFinal(error) { throw error }
                failure = error
            }
            guard let failure else {
                failures = 0
                continue
            }
            failures += 1
            try await wait("\(Follow.describe(failure))", after: failures)
            desk.add(rest)
        }
    }

    /// - Parameter agenda: what is to be asked; in the end, what is still to be.
    /// - Returns: why something is left, where it is.
    private func work(
        _ client: MattermostClient, _ agenda: inout FollowDesk.Agenda
    ) async throws(ExporterError) -> ExporterError? {
        let pull = pull.brief
        var report = PullReport()
        if agenda.everything {
            report = try await pull.run(client)
            agenda = FollowDesk.Agenda()
        }
        if agenda.lists {
            let (channels, frozen) = try await pull.fetchChannels(client)
            try await pull.noteFrozen(frozen, listed: channels)
            let new = desk.choose(channels.map(\.id))
            agenda.members.formUnion(new)
            agenda.channels.formUnion(new)
            agenda.lists = false
        }
        for channel in try channels(agenda.members) {
            do throws(ExporterError) {
                try await pull.fetchMembers(client, channel)
                agenda.people = true
            } catch .refused {
                // To ask again at once heals nothing, and all else would wait for it. The next whole pull asks again.
            }
            agenda.members.remove(channel.id)
        }
        agenda.members = []
        if agenda.people {
            try await pull.fetchPeople(client, except: [], &report)
            agenda.people = false
        }
        for ids in Pull.batches(agenda.users.sorted()) { try await pull.fetchUsers(client, ids) }
        agenda.users = []
        for ids in Pull.batches(agenda.keys.sorted()) {
            report.keyChanges += try await KeyFetch(client, pull.archive, pull.writer).run(ids).changes
        }
        agenda.keys = []
        if !agenda.channels.isEmpty {
            report.outcomes += try await pull.walk(client, try channels(agenda.channels))
            agenda.files.subtract(agenda.channels)
            agenda.channels = []
        }
        for channel in try channels(agenda.files) {
            _ = try await pull.fetchFiles(client, channel)
            agenda.files.remove(channel.id)
        }
        agenda.files = []
        onEvent(.asked(added: report.outcomes.reduce(0) { $0 + $1.added }, keyChanges: report.keyChanges))
        var failure = report.keysFailure
        for case .failed(let error) in report.outcomes.map(\.result) { failure = failure ?? error }
        for outcome in report.failures { agenda.channels.insert(outcome.channel.id) }
        return report.failures.isEmpty ? nil : failure
    }

    /// Asks for a key as soon as an event says that it is another one: the server tells of the change and not of the key, and
    /// shows a key only until the next one.
    func askForKeys(_ client: MattermostClient) async throws(ExporterError) {
        var told = KeyNews()
        for await _ in desk.keyEvents.rings {
            let events = desk.takeKeyEvents()
            guard !events.isEmpty else { continue }
            // The question is urgent; what the events say is kept behind it, however it ends.
            let failure = await askForKeys(of: events, client, &told)
            try await keep(events)
            if let failure, Follow.isFinal(failure) { throw failure }
            if failure != nil { desk.add(FollowDesk.Agenda(keys: Set(events.map(\.userID)))) }
        }
    }

    private func askForKeys(
        of events: [KeyEvent], _ client: MattermostClient, _ told: inout KeyNews
    ) async -> ExporterError? {
        var changes: [KeyChange] = []
        do throws(ExporterError) {
            let users = Set(events.map(\.userID)).sorted()
            for ids in Pull.batches(users) {
                changes += try await KeyFetch(client, pull.archive, pull.writer).run(ids).changes
            }
            onEvent(.asked(added: 0, keyChanges: changes))
            for userID in users {
                let news = events.filter { $0.userID == userID }
                let unseen = try pull.archived { () throws(ArchiveError) in
                    try told.unseen(after: news, of: userID, in: pull.archive)
                }
                if unseen > 0 { onEvent(.keysUnseen(userID: userID, count: unseen)) }
            }
        } catch { return error }
        return nil
    }

    func keep(_ events: [KeyEvent]) async throws(ExporterError) {
        for start in stride(from: 0, to: events.count, by: 200) {
            do throws(ArchiveError) {
                let batch = Array(events[start..<min(start + 200, events.count)])
                try await pull.writer.append(KeyEvent.document(batch, at: .now), objects: .keyEvent)
            } catch .notAPage {
                // Too much for one document: a stranger's, since a true event is short.
            } catch { throw .archive(error) }
        }
    }

    private func channels(_ ids: Set<String>) throws(ExporterError) -> [Channel] {
        guard !ids.isEmpty else { return [] }
        return try pull.archived { () throws(ArchiveError) in
            try pull.archive.channels().filter { ids.contains($0.id) && $0.kind != nil }
        }
    }

    static func describe(_ error: ExporterError) -> String {
        switch error {
        case .noAnswer(_, let why, _, _), .badAnswer(_, let why): why
        case .foreignError(_, let status): "something before the server answers with an error (\(status))"
        case .refused(let status, _, let message, _): "the server refuses (\(status)): \(message)"
        default: "the channels cannot be fetched"
        }
    }
}

/// How many changes of keys were told since a following began, and how many of them were seen.
private struct KeyNews {
    /// When the first event about each user came. What a first pull shows is no change that an event told of.
    private var starts: [String: Timestamp] = [:]
    private var events: [String: Int] = [:]
    private var unseen: [String: Int] = [:]

    /// - Parameter news: events about a user that have come.
    /// - Returns: how many more changes were told than seen, those left out of which this was said before.
    mutating func unseen(after news: [KeyEvent], of userID: String, in archive: Archive) throws(ArchiveError) -> Int {
        events[userID, default: 0] += news.count
        let start = starts[userID] ?? news.map(\.receivedAt).min() ?? .now
        starts[userID] = start
        let seen = try archive.keyChanges(of: userID).count { $0.source == .server && $0.at >= start }
        let all = max(0, events[userID, default: 0] - seen)
        defer { unseen[userID] = max(all, unseen[userID] ?? 0) }
        return max(0, all - (unseen[userID] ?? 0))
    }
}
