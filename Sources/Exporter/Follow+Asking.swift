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
        for await _ in desk.keyEvents.rings {
            let events = desk.takeKeyEvents()
            guard !events.isEmpty else { continue }
            // The question is urgent; what the events say is kept behind it, however it ends.
            let failure = await askForKeys(of: events, client)
            do throws(ArchiveError) {
                try await pull.writer.append(KeyEvent.document(events, at: .now), objects: .keyEvent)
            } catch { throw .archive(error) }
            if let failure, Follow.isFinal(failure) { throw failure }
            if failure != nil { desk.add(FollowDesk.Agenda(keys: Set(events.map(\.userID)))) }
        }
    }

    private func askForKeys(of events: [KeyEvent], _ client: MattermostClient) async -> ExporterError? {
        let counts = Dictionary(events.map { ($0.userID, 1) }, uniquingKeysWith: +)
        var (changes, users): ([KeyChange], Set<String>) = ([], [])
        do throws(ExporterError) {
            for ids in Pull.batches(counts.keys.sorted()) {
                let news = try await KeyFetch(client, pull.archive, pull.writer).run(ids)
                changes += news.changes
                users.formUnion(news.users)
            }
        } catch { return error }
        onEvent(.asked(added: 0, keyChanges: changes))
        for (userID, count) in counts.sorted(by: { $0.key < $1.key }) {
            let unseen = count - (users.contains(userID) ? 1 : 0)
            if unseen > 0 { onEvent(.keysUnseen(userID: userID, count: unseen)) }
        }
        return nil
    }

    private func channels(_ ids: Set<String>) throws(ExporterError) -> [Channel] {
        guard !ids.isEmpty else { return [] }
        return try pull.archived { () throws(ArchiveError) in
            try pull.archive.channels().filter { ids.contains($0.id) && $0.kind != nil }
        }
    }

    private static func describe(_ error: ExporterError) -> String {
        switch error {
        case .noAnswer(_, let why, _, _), .badAnswer(_, let why): why
        case .refused(let status, _, let message, _): "the server refuses (\(status)): \(message)"
        default: "the channels cannot be fetched"
        }
    }
}
