import Archive
import DemoServer
import Foundation

/// A session at the terminal, written down: `$` before what the user types, then what the program prints (both streams,
/// in order) and `[exit N]` where N is not 0. `%` before what happens meanwhile, `#` before a remark.
struct Transcript {
    enum Entry: Equatable {
        case remark(String)
        case event(String)
        case command(String, printed: [String])
    }

    var entries: [Entry] = []

    static let folder = Fixtures.path("transcripts")

    static var names: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return files.filter { $0.hasSuffix(".txt") }.sorted()
    }

    init(_ text: String) {
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if line.hasPrefix("$ ") {
                entries.append(.command(String(line.dropFirst(2)), printed: []))
            } else if line.hasPrefix("% ") {
                entries.append(.event(String(line.dropFirst(2))))
            } else if line.hasPrefix("# ") {
                entries.append(.remark(String(line.dropFirst(2))))
            } else if case .command(let command, let printed) = entries.last {
                entries[entries.count - 1] = .command(command, printed: printed + [line])
            }
        }
        // An empty line between two entries is the file's, not the program's.
        entries = entries.map { entry in
            guard case .command(let command, var printed) = entry else { return entry }
            while printed.last?.isEmpty == true { printed.removeLast() }
            return .command(command, printed: printed)
        }
    }

    var text: String {
        entries.map { entry in
            switch entry {
            case .remark(let text): "# \(text)\n"
            case .event(let text): "% \(text)\n"
            case .command(let command, let printed): (["$ \(command)"] + printed).joined(separator: "\n") + "\n"
            }
        }.joined(separator: "\n")
    }

    /// The same session, run again.
    func replayed(on stage: Stage) async throws -> Transcript {
        var again = self
        for (index, entry) in entries.enumerated() {
            switch entry {
            case .remark: continue
            case .event(let name): try await Event.happen(name, on: stage)
            case .command(let command, _):
                let outcome = try await stage.run("exec 2>&1; \(command)")
                var lines = Normal(stage).lines(outcome.output)
                if outcome.code != 0 { lines.append("[exit \(outcome.code)]") }
                again.entries[index] = .command(command, printed: lines)
            }
        }
        return again
    }
}

/// Output without what is another each time: ports, folders, today's date, hashes, fingerprints, process ids.
struct Normal {
    private let stage: Stage
    private let knownIDs = TestKeys.ids

    init(_ stage: Stage) { self.stage = stage }

    func lines(_ output: String) -> [String] {
        var text = output.replacing(stage.folder, with: "~").replacing(stage.server.url, with: "http://127.0.0.1:PORT")
        text.replace(Timestamp.now.date, with: "TODAY")
        text.replace(/TODAY \d\d:\d\d/, with: "TODAY HH:MM")
        text.replace(/TODAYT[\d:.]+Z/, with: "TODAY HH:MM")
        text.replace(/document \d+/, with: "document N")
        text.replace(/\d+ documents/, with: "N documents")
        text.replace(/\d+ KiB/, with: "N KiB")
        text.replace(/process \d+/, with: "process N")
        text.replace(/\b[0-9A-F]{40}\b/, with: "FINGERPRINT")
        text.replace(/\b[0-9A-F]{16}\b/, with: "GPGKEY")
        let shortIDs = Set(knownIDs.map { $0.prefix(16) })
        text.replace(/\b[0-9a-f]{64}\b/) { knownIDs.contains(String($0.output)) ? String($0.output) : "HASH" }
        text.replace(/\b[0-9a-f]{16}…/) { shortIDs.contains($0.output.dropLast()) ? String($0.output) : "HASH…" }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        return sortingChannels(lines)
    }

    /// Channels are pulled several at a time, and end in any order.
    private func sortingChannels(_ lines: [String]) -> [String] {
        var result: [String] = []
        var channels: [String] = []
        for line in lines {
            if line.contains(#/ new  (NOT )?complete/#) {
                channels.append(line)
            } else {
                result += channels.sorted() + [line]
                channels = []
            }
        }
        return result + channels.sorted()
    }
}
