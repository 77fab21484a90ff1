internal import CLinux
internal import Glibc

/// A note beside an archive: its index was held against its documents, and only this program has written to the file since.
/// It saves every command a check of the whole archive.
///
/// The note names the inode, size and times of the file and of its journal. When a file last changed is the kernel's to say
/// (`st_ctim`, stat(2)): no program that changes the file, and no copy that takes its place, has the same. Where the note
/// does not fit, the archive is checked again; so it is no loss where it is gone.
struct CheckedMark {
    private let archive: String
    /// The state that was found in order; nil where it is not known to be.
    private var known: String?

    private static let name = "checked"
    /// Of the note's form, and of what a check looks at.
    private static let version = "1"

    /// - Parameter archive: the path of the archive's file.
    init(ofArchive archive: String) {
        self.archive = archive
        let state = CheckedMark.state(of: archive)
        known = CheckedMark.note(of: archive) == state ? state : nil
    }

    var isValid: Bool { known != nil }

    /// Called before each change: nobody else has written meanwhile, or else the mark is gone.
    mutating func expect() { self = CheckedMark(ofArchive: archive) }

    /// Called after a change of our own.
    mutating func renew() {
        guard known != nil else { return }
        known = CheckedMark.state(of: archive)
        if let known { CheckedMark.write(known, for: archive) }
    }

    /// Notes that the archive was found in order.
    ///
    /// - Parameter state: what `state` gave before the check. Nothing is noted where it has changed.
    static func place(_ state: String?, onArchive archive: String) {
        guard let state, state == self.state(of: archive) else { return }
        write(state, for: archive)
    }

    /// File systems that note when a file last changed, by their numbers (statfs(2)): ext4, XFS, Btrfs, F2FS, bcachefs, ZFS,
    /// tmpfs and overlayfs. FAT and exFAT have no such time, and what another machine serves has that machine's.
    private static let trustedFileSystems: Set<UInt32> = [
        0xEF53, 0x5846_5342, 0x9123_683E, 0xF2F5_2010, 0xCA45_1A4E, 0x2FC1_2FC1, 0x0102_1994, 0x794C_7630,
    ]

    /// - Returns: nil where a file's times prove nothing, or where there is a journal that SQLite would play back when it opens
    ///   the file.
    static func state(of archive: String) -> String? {
        var words = [version]
        var status = stat()
        guard trustedFileSystems.contains(file_system(archive)), lstat("\(archive)-journal", &status) != 0 else {
            return nil
        }
        for path in [archive, "\(archive)-wal"] {
            guard lstat(path, &status) == 0 else {
                words.append("-")
                continue
            }
            guard status.st_mode & S_IFMT == S_IFREG else { return nil }
            guard status.st_size > 0 else {
                words.append("-")
                continue
            }
            let (changed, modified) = (status.st_ctim, status.st_mtim)
            words.append(
                "\(status.st_ino) \(status.st_size) \(modified.tv_sec).\(modified.tv_nsec) "
                    + "\(changed.tv_sec).\(changed.tv_nsec)")
        }
        return words.joined(separator: "\n") + "\n"
    }

    private static func path(_ archive: String) -> String { "\(PrivateFile.directory(of: archive))/\(name)" }

    private static func note(of archive: String) -> String? {
        guard let bytes = try? PrivateFile.read(path(archive)) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Without waiting for the disk, as this comes after every change: what a power cut leaves does not fit.
    private static func write(_ state: String, for archive: String) {
        let path = path(archive)
        let temporary = "\(path).new.\(getpid())"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return }
        let isWritten = (try? PrivateFile.write(Array(state.utf8), to: descriptor, path: temporary)) != nil
        close(descriptor)
        guard isWritten, rename(temporary, path) == 0 else {
            unlink(temporary)
            return
        }
    }
}

extension Archive {
    /// Whether the archive was checked and found undamaged, and nobody but this program has changed it since. Otherwise
    /// nothing that the index says is to be believed before `check` was run.
    public var isAsChecked: Bool {
        // A pull that is writing just now is quicker with its change than with its note.
        for _ in 0..<10 {
            if CheckedMark(ofArchive: directory.archivePath).isValid { return true }
            guard PrivateFile.exists(directory.lockPath) else { return false }
            usleep(20_000)
        }
        return false
    }
}
