import Bytes
import Foundation
import Testing

/// Public test data that is not part of this repository; `MMVAULT_SHARED` names the folder that holds `vectors/`.
enum SharedVectors {
    static let wycheproof = folder("wycheproof")
    static let testKit = folder("age-testkit")

    static let wycheproofAbsence: Comment =
        "The public test vectors are not here: set MMVAULT_SHARED to the folder that holds vectors/wycheproof."
    static let testKitAbsence: Comment =
        "The age test kit is not here: set MMVAULT_SHARED to the folder that holds vectors/age-testkit."

    private static func folder(_ name: String) -> URL? {
        ProcessInfo.processInfo.environment["MMVAULT_SHARED"]
            .map { URL(filePath: $0, directoryHint: .isDirectory).appending(path: "vectors/\(name)") }
            .flatMap { FileManager.default.fileExists(atPath: $0.path()) ? $0 : nil }
    }
}

/// One file of C2SP/wycheproof, `testvectors_v1`.
struct WycheproofFile: Sendable {
    let announcedCount: Int
    let cases: [WycheproofCase]

    /// Empty where the test data is absent; a file that is there and cannot be read ends the run.
    init(_ name: String) {
        guard let directory = SharedVectors.wycheproof else {
            (announcedCount, cases) = (0, [])
            return
        }
        do {
            let root = try JSONDocument([UInt8](Data(contentsOf: directory.appending(path: name)))).root
            announcedCount = Int(root["numberOfTests"]?.int ?? -1)
            cases = (root["testGroups"]?.elements ?? []).flatMap { group in
                (group["tests"]?.elements ?? []).map { WycheproofCase(json: $0, group: group) }
            }
        } catch { fatalError("\(name): \(error)") }
    }
}

struct WycheproofCase: Sendable, CustomTestStringConvertible {
    enum Result: String, Sendable { case valid, invalid, acceptable }

    let json: JSONValue
    let group: JSONValue

    var testDescription: String { "\(json["tcId"]?.int ?? -1) \(json["comment"]?.string ?? "")" }
    var flags: [String] { (json["flags"]?.elements ?? []).compactMap(\.string) }
    var result: Result { get throws { try #require(json["result"]?.string.flatMap(Result.init)) } }

    func hex(_ field: StaticString) throws -> [UInt8] {
        try #require(json[field]?.string.flatMap { Hex.decode($0) }, "\(field)")
    }
}
