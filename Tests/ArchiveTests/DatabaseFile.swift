import Testing

@testable import Archive

/// The bytes of an SQLite file by what they are for (https://www.sqlite.org/fileformat.html).
struct DatabaseFile {
    let bytes: [UInt8]
    let pageSize: Int
    /// Bytes that hold nothing: gaps between cell pointers and cells, free blocks, the unused ends of overflow pages; and
    /// the numbers of the rows in the schema, by which nothing is looked up.
    let unused: Set<Int>

    /// The file's own header, at its beginning.
    static let header = 0..<100

    init(_ sandbox: Sandbox, _ directory: AccountDirectory) async throws {
        bytes = try #require(try PrivateFile.read(directory.archivePath))
        let pages = try await sandbox.run(
            "sqlite3 -separator ' ' '\(directory.archivePath)' 'SELECT pageno, pagetype, unused, name FROM dbstat'")
        pageSize = Int(bytes[16]) << 8 | Int(bytes[17])
        var unused: Set<Int> = []
        for line in pages.split(separator: "\n") {
            let fields = line.split(separator: " ")
            let page = try #require(Int(fields[0])) - 1
            let end = (page + 1) * pageSize
            if fields[1] == "overflow" {
                unused.formUnion(end - (try #require(Int(fields[2])))..<end)
            } else {
                unused.formUnion(DatabaseFile.gaps(bytes, page, pageSize))
                if fields[1] == "leaf", fields[3].hasPrefix("sqlite_") {
                    unused.formUnion(DatabaseFile.rowNumbers(bytes, page, pageSize))
                }
            }
        }
        self.unused = unused
    }

    /// The gap of a b-tree page, and the insides of its free blocks.
    private static func gaps(_ bytes: [UInt8], _ page: Int, _ pageSize: Int) -> Set<Int> {
        let start = page * pageSize
        let header = page == 0 ? 100 : start
        func number(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
        let isLeaf = bytes[header] == 10 || bytes[header] == 13
        let pointers = header + (isLeaf ? 8 : 12)
        var result = Set(pointers + 2 * number(header + 3)..<start + number(header + 5))
        var block = number(header + 1)
        while block != 0 {
            result.formUnion(start + block + 4..<start + block + number(start + block + 2))
            block = number(start + block)
        }
        return result
    }

    /// Where the cells of a table's leaf have their row numbers: a varint behind the payload's length, a varint too.
    private static func rowNumbers(_ bytes: [UInt8], _ page: Int, _ pageSize: Int) -> Set<Int> {
        let header = page == 0 ? 100 : page * pageSize
        func number(_ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }
        var result: Set<Int> = []
        for cell in 0..<number(header + 3) {
            var place = page * pageSize + number(header + 8 + 2 * cell)
            while bytes[place] >= 0x80 { place += 1 }
            repeat {
                place += 1
                result.insert(place)
            } while bytes[place] >= 0x80
        }
        return result
    }
}
