import Bytes
import Foundation
import TestSupport
import Testing

/// nst/JSONTestSuite, `test_parsing`: public test data that is not part of this repository.
@Suite(.enabled(if: SharedData.file(JSONTestSuite.folder) != nil, "\(SharedData.absence(of: JSONTestSuite.folder))"))
struct JSONTestSuiteTests {
    @Test(arguments: JSONTestSuite.files("y_"))
    func whatMustBeAcceptedIs(_ file: JSONTestSuite.File) throws {
        let document = try JSONDocument(file.bytes)
        #expect(document.bytes == file.bytes)
        visit(document.root)
    }

    @Test(arguments: JSONTestSuite.files("n_"))
    func whatMustBeRefusedIs(_ file: JSONTestSuite.File) throws {
        let error = try #require(throws: JSONError.self) { try JSONDocument(file.bytes) }
        #expect((0...file.bytes.count).contains(error.offset))
    }

    /// Left open by RFC 8259. Numbers beyond what fits and lone surrogates are accepted, and are then no `int` or U+FFFD;
    /// bytes that are not UTF-8 and a byte order mark are refused.
    @Test(arguments: JSONTestSuite.files("i_"))
    func whatIsLeftOpenIsDecidedHere(_ file: JSONTestSuite.File) {
        let refused = [
            "BOM", "UTF-16", "utf16", "invalid_utf-8", "invalid-utf-8", "not_in_unicode", "UTF8_surrogate", "overlong",
            "truncated-utf-8", "lone_utf8", "iso_latin_1", "UTF-8_invalid",
        ]
        let document = try? JSONDocument(file.bytes)
        #expect((document == nil) == refused.contains { file.name.contains($0) })
        if let document { visit(document.root) }
    }

    @Test func everyFileIsRun() {
        #expect(JSONTestSuite.files("y_").count == 95)
        #expect(JSONTestSuite.files("n_").count == 188)
        #expect(JSONTestSuite.files("i_").count == 35)
        #expect(JSONTestSuite.files("").count == 318)
    }

    /// Reads every value in every way, so that an accessor that traps is found.
    private func visit(_ value: JSONValue) {
        _ = (value.string, value.int, value.bool, value.hasDuplicateKeys, value["a"], value.plainStringBytes)
        #expect(value.bytes.count == value.range.count)
        for element in value.elements { visit(element) }
        for member in value.members { visit(member.value) }
    }
}

enum JSONTestSuite {
    struct File: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: [UInt8]
        var testDescription: String { name }
    }

    /// Where it is, in the shared data.
    static let folder = "vectors/json-test-suite"

    static func files(_ prefix: String) -> [File] { all.filter { $0.name.hasPrefix(prefix) } }

    private static let all: [File] = {
        guard let directory = SharedData.file(folder) else { return [] }
        do {
            let names = try FileManager.default.contentsOfDirectory(atPath: directory.path()).sorted()
            return try names.filter { $0.hasSuffix(".json") }.map {
                File(name: $0, bytes: [UInt8](try Data(contentsOf: directory.appending(path: $0))))
            }
        } catch { fatalError("\(directory.path()): \(error)") }
    }()
}
