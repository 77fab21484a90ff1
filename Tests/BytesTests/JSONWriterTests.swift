import Testing

@testable import Bytes

@Suite struct JSONWriterTests {
    static let hostile: [String] = [
        "", "a", "\"", "\\", "\\\"", "\\u0041", "/", "\0", "\u{1}\u{1f}\u{7f}", "\n\r\t\u{8}\u{c}", "\r\n", "é",
        "e\u{301}",
        "🔑", "\u{2028}\u{2029}", "\u{FEFF}", "\u{FFFD}\u{FFFF}", "\u{10FFFF}", "</script><!--", "\",\"admin\":true,\"",
        "\u{1b}[2J\u{202e}", String(repeating: "\"\\\n", count: 1000),
    ]

    @Test(arguments: hostile)
    func whatIsWrittenParsesToTheSame(string: String) throws {
        var json = JSONWriter()
        json.object {
            $0.string(string, string)
            $0.array("list") { json in
                json.string(nil, string)
                json.object(nil) { $0.string(string, string) }
            }
            $0.int("end", 1)
        }
        let root = try JSONDocument(json.bytes).root
        #expect(root.members.map { Array($0.key.utf8) } == [string, "list", "end"].map { Array($0.utf8) })
        #expect(root.members[0].value.string.map { Array($0.utf8) } == Array(string.utf8))
        let list = root.members[1].value.elements
        #expect(list.count == 2)
        #expect(list[0].string.map { Array($0.utf8) } == Array(string.utf8))
        #expect(list[1].members.first?.value.string.map { Array($0.utf8) } == Array(string.utf8))
        #expect(root["end"]?.int == 1)
        // One line of text, whatever was put in: no control character reaches a file or a terminal.
        #expect(!json.bytes.contains { $0 < 0x20 || $0 == 0x7F })
    }

    @Test func everyCharacterSurvives() throws {
        let scalars = (0...0x2FF).compactMap(Unicode.Scalar.init)
        let all = String(String.UnicodeScalarView(scalars))
        var json = JSONWriter()
        json.string(nil, all)
        #expect(try JSONDocument(json.bytes).root.string.map { Array($0.utf8) } == Array(all.utf8))
    }

    @Test func membersStandInTheOrderGivenWithoutSpace() {
        var json = JSONWriter()
        json.object { json in
            json.string("z", "1")
            json.int("a", -2)
            json.bool("t", true)
            json.bool("f", false)
            json.null("n")
            json.string("s", nil)
            json.object("o") { _ in }
            json.array("l") { _ in }
            json.array("m") { json in
                json.int(nil, Int64.min)
                json.int(nil, UInt64.max)
                json.object { $0.int("i", 0) }
                json.array { $0.null() }
                json.bool(nil, true)
            }
            json.int("e", 3)
        }
        #expect(
            json.text == #"{"z":"1","a":-2,"t":true,"f":false,"n":null,"s":null,"o":{},"l":[],"m":"#
                + #"[-9223372036854775808,18446744073709551615,{"i":0},[null],true],"e":3}"#)
    }

    @Test(arguments: [Int64.min, -1, 0, 1, .max])
    func integersSurvive(number: Int64) throws {
        var json = JSONWriter()
        json.int(nil, number)
        #expect(try JSONDocument(json.bytes).root.int == number)
    }
}
