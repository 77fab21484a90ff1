/// Cuts a stream into lines of JSON Lines, or rows of CSV (RFC 4180), each with its line end, so that all of them in a row
/// are the stream again. A row goes on over a line end between quotation marks.
struct RecordSplitter {
    private let hasQuotes: Bool
    private var record: [UInt8] = []
    private var isQuoted = false

    init(hasQuotes: Bool) { self.hasQuotes = hasQuotes }

    /// - Throws: `badExport` where a record is longer than any should be, and what `consume` throws.
    mutating func add(
        _ bytes: UnsafeRawBufferPointer, _ consume: ([UInt8]) throws(ArchiveError) -> Void
    ) throws(ArchiveError) {
        var start = 0
        for (place, byte) in bytes.enumerated() {
            if hasQuotes, byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            guard byte == UInt8(ascii: "\n"), !isQuoted else { continue }
            record += bytes[start...place]
            start = place + 1
            try checkLength()
            try consume(record)
            record.removeAll(keepingCapacity: true)
        }
        record += bytes[start...]
        try checkLength()
    }

    /// What is left where the last line has no end.
    mutating func finish(_ consume: ([UInt8]) throws(ArchiveError) -> Void) throws(ArchiveError) {
        guard !isQuoted else { throw .badExport(file: nil, what: "it ends within quotation marks") }
        if !record.isEmpty { try consume(record) }
        record = []
    }

    private func checkLength() throws(ArchiveError) {
        guard record.count <= ImportLimits.line else {
            throw .badExport(file: nil, what: "a line of it is longer than \(ImportLimits.line >> 20) MiB")
        }
    }
}

/// One row of CSV, strictly by RFC 4180.
enum CSVRow {
    /// - Returns: the fields without their quotation marks; nil where the row has not the form that the RFC demands.
    static func fields(_ row: ArraySlice<UInt8>) -> [String]? {
        var rest = row
        if rest.last == 0x0A { rest = rest.dropLast() }
        if rest.last == 0x0D { rest = rest.dropLast() }
        var fields: [String] = []
        let (quote, comma) = (UInt8(ascii: "\""), UInt8(ascii: ","))
        while true {
            var field: [UInt8] = []
            if rest.first == quote {
                rest = rest.dropFirst()
                while true {
                    guard let end = rest.firstIndex(of: quote) else { return nil }
                    field += rest[..<end]
                    rest = rest[(end + 1)...]
                    guard rest.first == quote else { break }
                    field.append(quote)
                    rest = rest.dropFirst()
                }
                guard rest.isEmpty || rest.first == comma else { return nil }
            } else {
                let end = rest.firstIndex(of: comma) ?? rest.endIndex
                field += rest[..<end]
                guard !field.contains(quote), !field.contains(0x0D) else { return nil }
                rest = rest[end...]
            }
            guard let text = String(validating: field, as: UTF8.self) else { return nil }
            fields.append(text)
            if rest.isEmpty { return fields }
            rest = rest.dropFirst()
        }
    }
}
