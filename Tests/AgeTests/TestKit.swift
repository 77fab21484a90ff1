import Bytes
import Foundation
import Testing

/// One file of the age test kit (C2SP/CCTV, `age/testdata`): what is expected, an empty line, and the sealed file.
struct TestKitFile: Sendable, CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }
    let fields: [(name: String, value: String)]
    let bytes: [UInt8]

    func values(_ field: String) -> [String] { fields.filter { $0.name == field }.map(\.value) }
    func value(_ field: String) -> String? { values(field).first }

    /// Empty where the kit is absent; a file that is there and cannot be read ends the run.
    static let all: [TestKitFile] = {
        guard let directory = SharedVectors.testKit else { return [] }
        do {
            return try FileManager.default.contentsOfDirectory(atPath: directory.path()).sorted().map { name in
                try TestKitFile(name, Data(contentsOf: directory.appending(path: name)))
            }
        } catch { fatalError("the age test kit: \(error)") }
    }()

    private init(_ name: String, _ data: Data) throws {
        self.name = name
        let content = [UInt8](data)
        var fields: [(name: String, value: String)] = []
        var position = 0
        while true {
            let end = try #require(content[position...].firstIndex(of: 0x0A))
            let line = String(decoding: content[position..<end], as: UTF8.self)
            position = end + 1
            if line.isEmpty { break }
            let colon = try #require(line.firstRange(of: ": "))
            fields.append((String(line[..<colon.lowerBound]), String(line[colon.upperBound...])))
        }
        self.fields = fields
        let rest = content[position...]
        switch fields.first(where: { $0.name == "compressed" })?.value {
        case nil: bytes = Array(rest)
        case "zlib": bytes = try inflate(rest)
        case let other?: fatalError("\(name): compressed with \(other)")
        }
    }
}

/// What a zlib stream (RFC 1950) holds. Foundation has no zlib here; gzip(1), which every Debian has, reads the
/// stream's middle under a header of its own (RFC 1952). Its checksum is missing then; zlib's is verified.
private func inflate(_ stream: ArraySlice<UInt8>) throws -> [UInt8] {
    let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]
    let result = try run("/usr/bin/env", ["gzip", "-dc"], input: header + stream.dropFirst(2).dropLast(4)).output
    var (low, high): (UInt32, UInt32) = (1, 0)
    for byte in result {
        low = (low + UInt32(byte)) % 65521
        high = (high + low) % 65521
    }
    try #require(stream.suffix(4).reduce(0) { $0 << 8 | UInt32($1) } == high << 16 | low, "Adler-32")
    return result
}

/// Runs a stock tool; `input` and the result go through files, so that neither can wait for the other.
func run(_ tool: String, _ arguments: [String], input: [UInt8]) throws -> (status: Int32, output: [UInt8]) {
    try withPrivateDirectory { directory in
        let (input, output) = (try write(input, directory, "input"), try write([], directory, "output"))
        let process = Process()
        process.executableURL = URL(filePath: tool)
        process.arguments = arguments
        process.standardInput = try FileHandle(forReadingFrom: input)
        process.standardOutput = try FileHandle(forWritingTo: output)
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        return (process.terminationStatus, [UInt8](try Data(contentsOf: output)))
    }
}

/// A folder that only this user can read, and that is gone afterwards.
func withPrivateDirectory<R>(_ body: (URL) throws -> R) throws -> R {
    let directory = FileManager.default.temporaryDirectory.appending(path: "age-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(
        at: directory, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    defer { try? FileManager.default.removeItem(at: directory) }
    return try body(directory)
}

func write(_ bytes: [UInt8], _ directory: URL, _ name: String) throws -> URL {
    let file = directory.appending(path: name)
    try Data(bytes).write(to: file)
    return file
}
