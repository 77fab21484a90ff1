internal import Bytes

/// The check of the files that an archive holds: every content is read again, and everything in their folder is
/// accounted for.
extension CheckReport {
    /// Something about one of the files.
    public struct FileFinding: Equatable, Sendable {
        /// Below the account's directory.
        public let path: String
        public let what: What
        /// The post that names the file; nil where it is not known.
        public let postID: String?

        public enum What: Equatable, Sendable {
            /// Its bytes are not those that came.
            case damaged
            case missing
            case unreadable
            /// The archive knows nothing of it.
            case foreign
        }

        /// Whether something that came is there no longer as it was.
        public var isDamage: Bool { what != .foreign }
    }
}

extension Archive {
    func checkFiles(_ report: inout CheckReport, progress: (CheckReport) -> Void) throws {
        let store = FileStore(directory)
        var known: Set<SHA256Digest> = []
        var last: Int64 = 0
        do throws(ArchiveError) {
            while case let files = try namedFiles(after: last, isKnown: true), let end = files.last {
                last = end.sequence
                for file in files {
                    guard let content = file.record?.content else { continue }
                    report.files += 1
                    guard known.insert(content.sha256).inserted else { continue }
                    if Task.isCancelled { break }
                    report.fileBytes += content.size
                    if let what = CheckReport.FileFinding.What(store.state(of: content)) {
                        report.fileFindings.append(
                            .init(path: relative(store.path(of: content.sha256)), what: what, postID: file.postID))
                    }
                    progress(report)
                }
                if Task.isCancelled { break }
            }
        } catch {
            report.damages.append(.init(document: nil, context: "", what: error.checkText, posts: []))
        }
        try Task.checkCancellation()
        store.forEachEntry { name, entry in
            switch entry {
            case .partial: return
            case .content(let digest):
                // What a pull put there and was killed before it could note: as good as any other, if it is whole.
                if known.contains(digest) || store.isWhole(digest) { return }
            case .foreign: break
            }
            report.fileFindings.append(.init(path: relative("\(store.path)/\(name)"), what: .foreign, postID: nil))
        }
    }

    private func relative(_ path: String) -> String { String(path.dropFirst(directory.path.count + 1)) }
}

extension CheckReport.FileFinding.What {
    fileprivate init?(_ state: FileStore.ContentState) {
        switch state {
        case .whole: return nil
        case .missing: self = .missing
        case .damaged: self = .damaged
        case .unreadable: self = .unreadable
        }
    }
}

extension FileStore {
    fileprivate func isWhole(_ digest: SHA256Digest) -> Bool {
        guard let size = PrivateFile.size(path(of: digest)) else { return false }
        return state(of: FileContent(sha256: digest, size: Int64(size))) == .whole
    }
}
