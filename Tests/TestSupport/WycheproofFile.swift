public import Bytes
import Foundation

/// One file of C2SP/wycheproof, `testvectors_v1`.
public struct WycheproofFile: Sendable, CustomStringConvertible {
    /// Where all of them are, in the shared data.
    public static let folder = "vectors/wycheproof"

    /// The file's name.
    public let name: String
    public var description: String { name }
    /// How many tests the file says it has.
    public let announcedCount: Int
    /// Its tests, in the file's order.
    public let cases: [WycheproofCase]

    /// Empty where the test data is absent; a file that is there and cannot be read ends the run.
    public init(_ name: String) {
        self.name = name
        guard let folder = SharedData.file(WycheproofFile.folder) else {
            (announcedCount, cases) = (0, [])
            return
        }
        do {
            let root = try JSONDocument([UInt8](Data(contentsOf: folder.appending(path: name)))).root
            announcedCount = Int(root["numberOfTests"]?.int ?? -1)
            cases = (root["testGroups"]?.elements ?? []).flatMap { group in
                (group["tests"]?.elements ?? []).map { WycheproofCase(json: $0, group: group) }
            }
        } catch { fatalError("\(name): \(error)") }
    }

    /// How many tests carry each flag.
    public var tally: [String: Int] {
        cases.reduce(into: [:]) { tally, test in for flag in test.flags { tally[flag, default: 0] += 1 } }
    }
}

/// One test of such a file.
public struct WycheproofCase: Sendable, CustomStringConvertible {
    /// What is expected; `acceptable` where the standard leaves it open.
    public enum Result: String, Sendable { case valid, invalid, acceptable }

    /// A field that a test lacks, or that is not what it should be.
    public struct UnreadableField: Error {
        /// The test's number.
        public let test: Int
        /// The field's name.
        public let field: String
    }

    /// The test itself.
    public let json: JSONValue
    /// What is the same for its group.
    public let group: JSONValue

    /// Its number in the file.
    public var id: Int { Int(json["tcId"]?.int ?? -1) }
    public var description: String { "\(id) \(json["comment"]?.string ?? "")" }
    /// Which weaknesses it looks for.
    public var flags: [String] { (json["flags"]?.elements ?? []).compactMap(\.string) }
    /// What is expected.
    public var result: Result { get throws { try found(json["result"]?.string.flatMap(Result.init), "result") } }

    /// The bytes that a field of hexadecimal digits stands for.
    public func hex(_ field: StaticString) throws -> [UInt8] {
        try found(json[field]?.string.flatMap { Hex.decode($0) }, field)
    }

    private func found<Value>(_ value: Value?, _ field: StaticString) throws -> Value {
        guard let value else { throw UnreadableField(test: id, field: "\(field)") }
        return value
    }
}
