import Testing

@testable import Bytes

@Suite struct JSONDocumentTests {
    /// A page of posts as a server sends it: every construct of the grammar is in it.
    static let page = Array(
        #"""
        {"order":["abc","def"], "posts":{"abc":{"id":"abc","create_at":1700000000000,"message":"é \n \u00e9\ud83d\udd11 \"🔑\"",
        "props":{"e2ee":null,"x":-1.5e+3,"ok":true,"no":false},"metadata":{},"ids":[ ]}},"n":[1,[2]]}
        """#.utf8)

    @Test func theSamplePageIsValid() throws {
        let root = try JSONDocument(JSONDocumentTests.page).root
        #expect(root["order"]?.elements.map(\.string) == ["abc", "def"])
        #expect(root["posts"]?["abc"]?["message"]?.string == "é \n é🔑 \"🔑\"")
        #expect(root["posts"]?["abc"]?["create_at"]?.int == 1_700_000_000_000)
    }

    @Test(arguments: 0..<page.count)
    func everyTruncationIsRefused(count: Int) throws {
        let error = try #require(throws: JSONError.self) { try JSONDocument(Array(JSONDocumentTests.page[..<count])) }
        #expect(error.offset <= count)
        #expect(error.reason == .unexpectedEnd || error.reason == .invalidUTF8)
    }

    @Test(arguments: Array(UInt8.min...UInt8.max))
    func trailingBytesAreForbidden(byte: UInt8) throws {
        let text = JSONDocumentTests.page + [byte]
        if [0x20, 0x09, 0x0A, 0x0D].contains(byte) {
            #expect(try JSONDocument(text).root.range == 0..<JSONDocumentTests.page.count)
        } else {
            #expect(throws: JSONError(reason: .trailingBytes, offset: JSONDocumentTests.page.count)) {
                try JSONDocument(text)
            }
        }
    }

    @Test(arguments: [
        ("", JSONError.Reason.unexpectedEnd, 0), (" ", .unexpectedEnd, 1), ("[1,]", .unexpectedByte, 3),
        ("{\"a\":1,}", .unexpectedByte, 7), ("{a:1}", .unexpectedByte, 1), ("[1 2]", .unexpectedByte, 3),
        ("{\"a\" 1}", .unexpectedByte, 5), ("tru", .unexpectedEnd, 3), ("True", .unexpectedByte, 0),
        ("nulL", .unexpectedByte, 3), ("NaN", .unexpectedByte, 0), ("01", .trailingBytes, 1),
        ("+1", .unexpectedByte, 0),
        ("1.", .unexpectedEnd, 2), ("1.x", .invalidNumber, 2), ("1e", .unexpectedEnd, 2), ("-", .unexpectedEnd, 1),
        ("--1", .unexpectedByte, 1), (".5", .unexpectedByte, 0), ("\"\u{1}\"", .controlCharacter, 1),
        ("\"\n\"", .controlCharacter, 1), ("\"\\x\"", .invalidEscape, 1), ("\"\\u12g4\"", .invalidEscape, 1),
        ("\"\\u12\"", .unexpectedEnd, 1), ("\"abc", .unexpectedEnd, 4), ("]", .unexpectedByte, 0),
        ("[}", .unexpectedByte, 1), ("{]", .unexpectedByte, 1), ("\u{FEFF}1", .unexpectedByte, 0),
        ("'a'", .unexpectedByte, 0), ("/**/1", .unexpectedByte, 0),
    ])
    func anErrorNamesItsReasonAndPlace(written: String, reason: JSONError.Reason, offset: Int) {
        #expect(throws: JSONError(reason: reason, offset: offset)) { try JSONDocument(Array(written.utf8)) }
    }

    @Test(
        arguments: [
            [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x20], [0xE0, 0x9F, 0x80], [0xE0, 0xA0],
            [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xEF, 0xBF], [0xF0, 0x8F, 0xBF, 0xBF], [0xF0, 0x90, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFE], [0xFF],
        ] as [[UInt8]])
    func bytesThatAreNotUTF8AreRefused(bytes: [UInt8]) {
        #expect(throws: JSONError(reason: .invalidUTF8, offset: 1)) { try JSONDocument([0x22] + bytes + [0x22]) }
    }

    @Test(arguments: [0x80, 0x7FF, 0x800, 0xFFFF, 0xD7FF, 0xE000, 0xFFFD, 0xFFFE, 0x10000, 0x10FFFF] as [UInt32])
    func theEdgesOfUTF8AreAccepted(scalar: UInt32) throws {
        let text = String(try #require(Unicode.Scalar(scalar)))
        #expect(try JSONDocument(Array("\"\(text)\"".utf8)).root.string == text)
    }

    @Test(arguments: ["[", "{\"a\":"])
    func nestingIsLimited(opening: String) throws {
        let closing = opening == "[" ? "]" : "}"
        func nested(_ depth: Int) -> [UInt8] {
            let inner = opening == "[" ? "" : "0"
            return Array(
                (String(repeating: opening, count: depth) + inner + String(repeating: closing, count: depth)).utf8)
        }
        let limit = JSONDocument.maximumDepth
        #expect(try JSONDocument(nested(limit)).root.range.count == nested(limit).count)
        #expect(throws: JSONError(reason: .tooDeep, offset: limit * opening.utf8.count)) {
            try JSONDocument(nested(limit + 1))
        }
        // Nor is the stack in danger where nothing is ever closed.
        #expect(throws: JSONError.self) { try JSONDocument(Array(String(repeating: opening, count: 1_000_000).utf8)) }
    }

    @Test(arguments: [1, 20, 300, 4000] as [UInt64])
    func randomBytesNeverEndTheProcess(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        let grammar = Array("{}[]\",:\\u0019.eE+-truefalsn \n".utf8) + [0xC3, 0xA9, 0xED, 0xA0, 0x80, 0xF0, 0x9F]
        for _ in 0..<3000 {
            let count = Int.random(in: 0..<60, using: &generator)
            let text = (0..<count).map { _ in
                Int.random(in: 0..<20, using: &generator) > 0
                    ? grammar.randomElement(using: &generator) ?? 0 : UInt8.random(in: 0...255, using: &generator)
            }
            expectSound(text, "seed \(seed)")
        }
        for _ in 0..<300 {
            var text = JSONDocumentTests.page
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                text[Int.random(in: text.indices, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
            }
            expectSound(text, "seed \(seed)")
        }
    }

    /// Refused with a place inside the text, or a tree whose values lie within each other.
    private func expectSound(_ text: [UInt8], _ comment: Comment) {
        do {
            let document = try JSONDocument(text)
            visit(document.root, within: 0..<text.count, comment)
        } catch {
            #expect((0...text.count).contains(error.offset), comment)
        }
    }

    private func visit(_ value: JSONValue, within range: Range<Int>, _ comment: Comment) {
        #expect(range.contains(value.range.lowerBound) && value.range.upperBound <= range.upperBound, comment)
        #expect((value.kind == .string) == (value.string != nil), comment)
        _ = (value.int, value.hasDuplicateKeys, value["a"])
        for element in value.elements { visit(element, within: value.range, comment) }
        for member in value.members { visit(member.value, within: value.range, comment) }
    }

    // MARK: What is passed over

    @Test func whatIsPassedOver_StandsWhereItStood_AndIsEmpty() throws {
        let text = Array(
            #"{"a":{"props":{"x":[1,{"props":[2]}],"y":"z"},"b":[3,4]},"props":[5, 6],"c":["props",{"d":7}],"props":8}"#
                .utf8)
        let (whole, root) = (try JSONDocument(text).root, try JSONDocument(text, passingOver: "props").root)
        #expect(root["a"]?["props"]?.bytes == whole["a"]?["props"]?.bytes)
        #expect(root["a"]?["props"]?.kind == .object && root["a"]?["props"]?.members.isEmpty == true)
        #expect(root["a"]?["b"]?.elements.map(\.int) == [3, 4])
        #expect(root.members.map(\.key) == ["a", "props", "c", "props"])
        #expect(root.members[1].value.elements.isEmpty && root.members[1].value.bytes.elementsEqual("[5, 6]".utf8))
        #expect(root["c"]?.elements.last?["d"]?.int == 7)
        // Of several of one name the last counts, and a number is what it is.
        #expect(root["props"]?.int == 8 && root.hasDuplicateKeys)
        #expect(root.range == whole.range)
    }

    @Test(arguments: [#"{"props":{"a":}}"#, #"{"props":[1,]}"#, #"{"props":{"a":1}"#, #"{"props":[01]}"#])
    func whatIsPassedOver_IsCheckedAllTheSame(text: String) throws {
        let error = try #require(throws: JSONError.self) { try JSONDocument(Array(text.utf8)) }
        #expect(throws: error) { try JSONDocument(Array(text.utf8), passingOver: "props") }
    }

    /// However many values all props of a page hold together: those of one count.
    @Test func whatIsPassedOver_DoesNotMakeATextTooLarge() throws {
        let member = #""props":[\#(Array(repeating: "0", count: 900).joined(separator: ","))]"#
        let text = "[\(Array(repeating: "{\(member)}", count: 50).joined(separator: ","))]"
        func parse(passingOver name: StaticString?) throws(JSONError) -> Int {
            var parser = JSONParser(byteCount: text.utf8.count, passingOver: name, maximumNodes: 1100)
            var failure: JSONError?
            Array(text.utf8).withUnsafeBufferPointer { buffer in
                do throws(JSONError) { try parser.parse(buffer) } catch { failure = error }
            }
            if let failure { throw failure }
            return parser.nodes.count
        }
        #expect(try parse(passingOver: "props") == 1 + 50 * 3)
        #expect(try #require(throws: JSONError.self) { try parse(passingOver: nil) }.reason == .tooLarge)
        #expect(try #require(throws: JSONError.self) { try parse(passingOver: "prop") }.reason == .tooLarge)
    }
}

/// SplitMix64: the same numbers for the same seed on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
