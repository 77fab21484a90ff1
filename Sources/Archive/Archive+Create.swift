internal import Bytes
internal import GRDB
internal import Glibc

extension Archive {
    /// Makes an empty archive with its first document, under another name until it is whole: a kill leaves either no
    /// archive or one that can be used. What an earlier attempt left is made again.
    static func create(
        in directory: AccountDirectory, for account: Account, at time: Timestamp = .now
    ) throws(ArchiveError) {
        let lock = try ArchiveLock(path: directory.lockPath)
        defer { withExtendedLifetime(lock) {} }
        let path = directory.archivePath
        // Another process was faster.
        if directory.holdsArchive { return }
        let temporary = "\(path).new"
        for suffix in ["", "-wal", "-shm", "-journal"] { unlink(temporary + suffix) }
        let descriptor = Glibc.open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .file(path: temporary, operation: "create", errno: errno) }
        close(descriptor)

        var json = JSONWriter()
        json.object { account.write(to: &$0) }
        let document = ReceivedDocument(
            kind: .account, request: "-", channelID: nil, receivedAt: time, body: json.bytes)
        let row = try DocumentRow(document, walk: nil, sequence: 1, previous: DocumentRecord.none)
        let database = try open(temporary, .creating)
        try rethrowing(path: temporary) {
            try database.write { db in
                try ArchiveSchema.create(in: db)
                try row.insert(db)
            }
            // The last connection takes the journal into the file and removes it.
            try database.close()
        }
        for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
        guard rename(temporary, path) == 0 else { throw .file(path: path, operation: "create", errno: errno) }
        CheckedMark.place(CheckedMark.state(of: path), onArchive: path)
        PrivateFile.synchronizeDirectory(directory.path)
        PrivateFile.synchronizeDirectory(PrivateFile.directory(of: directory.path))
    }
}
