import Bytes
import Foundation
import TestSupport
import Testing

/// One file of the age test kit (C2SP/CCTV, `age/testdata`): what is expected, an empty line, and the sealed file.
struct TestKitFile: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }
    let fields: [(name: String, value: String)]
    /// As it stands in the file, which may be compressed.
    private let content: [UInt8]

    /// Where the kit is, in the shared data.
    static let folder = "vectors/age-testkit"

    /// The sealed file. Foundation has no zlib here; Python's checks the sum at a stream's end, too.
    var bytes: [UInt8] {
        get async throws {
            switch value("compressed") {
            case nil: return content
            case "zlib":
                let script = "import sys, zlib; sys.stdout.buffer.write(zlib.decompress(sys.stdin.buffer.read()))"
                return try await StockTool.run("python3", ["-c", script], input: content)
            case let other?: fatalError("\(name): compressed with \(other)")
            }
        }
    }

    func values(_ field: String) -> [String] { fields.filter { $0.name == field }.map(\.value) }
    func value(_ field: String) -> String? { values(field).first }

    /// Empty where the kit is absent; a file that is there and cannot be read ends the run.
    static let all: [TestKitFile] = {
        guard let directory = SharedData.file(folder) else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory.path()).sorted().map { name in
                try TestKitFile(name, Data(contentsOf: directory.appending(path: name)))
            }
        } catch { fatalError("the age test kit: \(error)") }
    }()

    private init(_ name: String, _ data: Data) throws {
        self.name = name
        let file = [UInt8](data)
        var fields: [(name: String, value: String)] = []
        var position = 0
        while true {
            let end = try #require(file[position...].firstIndex(of: 0x0A))
            let line = String(decoding: file[position..<end], as: UTF8.self)
            position = end + 1
            if line.isEmpty { break }
            let colon = try #require(line.firstRange(of: ": "))
            fields.append((String(line[..<colon.lowerBound]), String(line[colon.upperBound...])))
        }
        self.fields = fields
        content = Array(file[position...])
    }
}
