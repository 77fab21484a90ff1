import Archive
import Exporter
import Reader

/// An error as the person at the terminal is told of it: what happened, what to do, and the number to end with. This is
/// the only map from errors to exit codes.
struct Failure: Error {
    let message: String
    let hint: String?
    let code: ExitCode

    init(_ code: ExitCode, _ message: String, hint: String? = nil) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as ArchiveError: self = Failure.of(error)
        case let error as ExporterError: self = Failure.of(error)
        case let error as ReaderError: self = Failure.of(error)
        case let error as SearchQueryError:
            self.init(
                .usage, "the search is not clear: \(SafeText.line(error.problem))",
                hint: error.hint.map(SafeText.line))
        case is CancellationError: self = .interrupted
        default: self.init(.failure, SafeText.line("\(error)"))
        }
    }

    /// - Parameter known: the names of the archive's users.
    static func noUser(_ name: String, among known: [String]) -> Failure {
        let similar = known.similar(to: name.hasPrefix("@") ? String(name.dropFirst()) : name)
        return Failure(
            .noArchive, "the archive has no user “\(SafeText.line(name))”",
            hint: similar.isEmpty
                ? "a user is named as in @anna, or by the id"
                : "there is \(similar.map { "@\(SafeText.name($0))" }.joined(separator: ", "))")
    }

    /// - Parameter similar: what the archive has that the name may mean, in words.
    static func noChannel(_ name: String, similar: [String]) -> Failure {
        Failure(
            .noArchive, "the archive has no channel “\(SafeText.line(name))”",
            hint: similar.isEmpty
                ? "“mmvault channels” lists them" : "did you mean \(similar.joined(separator: "; "))?")
    }

    static let interrupted = Failure(
        .interrupted, "interrupted", hint: "what was done is kept; the same command goes on from there")

    /// At a question. Answers are kept all together, when the last one is given.
    static let interruptedQuestion = Failure(
        .interrupted, "interrupted", hint: "what came before this question is kept, and no answer; run it again")

    /// Of what is done as a whole or not at all.
    static let interruptedImport = Failure(
        .interrupted, "interrupted", hint: "it is added as a whole or not at all; the same command begins anew")

    /// Of what cannot be cut: nothing is changed by it, or what it writes is whole or is none.
    static let interruptedReading = Failure(.interrupted, "interrupted", hint: "nothing was changed; run it again")
    static let interruptedExport = Failure(
        .interrupted, "interrupted",
        hint: "a file was not written; a folder that was begun holds INCOMPLETE: remove it. Then run it again")

    /// - Parameter rest: what holds all the same.
    static func damagedFiles(_ rest: String) -> Failure {
        Failure(
            .damaged, "files of posts are missing or damaged; \(rest)", hint: "“mmvault check” names them")
    }
}
