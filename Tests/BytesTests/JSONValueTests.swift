import Testing

@testable import Bytes

@Suite struct JSONValueTests {
    private func root(_ text: String) throws -> JSONValue { try JSONDocument(Array(text.utf8)).root }

    @Test(arguments: [
        (#""""#, ""), (#""a""#, "a"), (#""é🔑""#, "é🔑"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"),
        (#""\u0041\u00e9\u20AC""#, "Aé€"), (#""\ud83d\uDD11""#, "🔑"), (#""a\ud83d\udd11b""#, "a🔑b"),
        (#""\ud83d""#, "\u{FFFD}"), (#""\udd11""#, "\u{FFFD}"), (#""\udd11\ud83d""#, "\u{FFFD}\u{FFFD}"),
        (#""\ud83dx\udd11""#, "\u{FFFD}x\u{FFFD}"), (#""\ud83d\ud83d\udd11""#, "\u{FFFD}🔑"),
        (#""\ud83d\n\udd11""#, "\u{FFFD}\n\u{FFFD}"), (#""\u0000""#, "\0"), (#""é\u0301x""#, "é\u{301}x"),
        (#""\u003cb\u003e \u0026 \u2028""#, "<b> & \u{2028}"), (#""\\u0041""#, "\\u0041"),
    ])
    func escapesAreResolved(written: String, expected: String) throws {
        let value = try root(written)
        // By bytes: to a String, what Unicode holds to be equivalent is equal.
        #expect(try Array(#require(value.string).utf8) == Array(expected.utf8))
        let isPlain = !written.contains("\\")
        #expect(value.plainStringBytes.map(Array.init) == (isPlain ? Array(expected.utf8) : nil))
    }

    @Test(arguments: [
        ("0", Int64(0)), ("-0", 0), ("1", 1), ("-1", -1), ("1700000000000", 1_700_000_000_000),
        ("9223372036854775807", .max), ("-9223372036854775807", -.max), ("-9223372036854775808", .min),
        ("9223372036854775808", nil), ("-9223372036854775809", nil), ("18446744073709551615", nil),
        ("18446744073709551616", nil), ("99999999999999999999", nil), ("-99999999999999999999999999", nil),
        ("1.0", nil), ("1.5", nil), ("1e0", nil), ("1E+2", nil), ("-0.0", nil), ("1e400", nil), ("\"1\"", nil),
        ("true", nil), ("null", nil), ("[1]", nil), ("{}", nil),
    ])
    func onlyAnIntegerThatFitsIsAnInt(written: String, expected: Int64?) throws {
        #expect(try root(written).int == expected)
    }

    @Test func eachKindAnswersOnlyForItself() throws {
        let value = try root(#"{"o":{},"a":[],"s":"","n":1,"t":true,"f":false,"z":null}"#)
        let kinds: [JSONKind] = [.object, .array, .string, .number, .true, .false, .null]
        #expect(value.members.map(\.value.kind) == kinds)
        #expect(value.members.map(\.key).joined() == "oasntfz")
        for (_, member) in value.members {
            #expect((member.string != nil) == (member.kind == .string))
            #expect((member.int != nil) == (member.kind == .number))
            #expect((member.bool != nil) == [.true, .false].contains(member.kind))
            #expect(member.isNull == (member.kind == .null))
            #expect(member["x"] == nil)
            #expect(member.elements.isEmpty && member.members.isEmpty && !member.hasDuplicateKeys)
        }
        #expect(value["t"]?.bool == true)
        #expect(value["f"]?.bool == false)
        #expect(value["missing"] == nil)
        #expect(value.elements.isEmpty)
    }

    @Test func aRangeIsTheExactSliceThatWasReceived() throws {
        let text = " {\"post\" : {\"id\":\"é\", \"n\": [ 1 , 2.50 ]} ,\n\"next\":-1e5 } "
        let document = try JSONDocument(Array(text.utf8))
        func slice(_ value: JSONValue?) -> String? { value.map { String(decoding: $0.bytes, as: UTF8.self) } }
        #expect(slice(document.root) == text.trimmingPrefix(" ").dropLast().description)
        let post = document.root["post"]
        #expect(slice(post) == "{\"id\":\"é\", \"n\": [ 1 , 2.50 ]}")
        #expect(slice(post?["id"]) == "\"é\"")
        #expect(slice(post?["n"]) == "[ 1 , 2.50 ]")
        #expect(post?["n"]?.elements.map { slice($0) } == ["1", "2.50"])
        #expect(slice(document.root["next"]) == "-1e5")
        #expect(post.map { Array(document.bytes[$0.range]) == Array($0.bytes) } == true)
    }

    @Test func aValueCutOutParsesToTheSame() throws {
        let text = #"[{"a":[1,{"b":"\n"}],"c":{}},"x",[[]],-0.5e+3,null]"#
        for element in try root(text).elements {
            let again = try JSONDocument(Array(element.bytes)).root
            #expect(again.kind == element.kind)
            #expect(Array(again.bytes) == Array(element.bytes))
        }
    }

    // MARK: Names

    @Test(arguments: [
        (#"{}"#, false), (#"{"a":1}"#, false), (#"{"a":1,"b":2}"#, false), (#"{"a":1,"a":1}"#, true),
        (#"{"a":1,"b":{"a":1}}"#, false), (#"{"b":{"a":1,"a":2}}"#, false), (#"{"":1,"":1}"#, true),
        (#"{"a":1,"\u0061":1}"#, true), (#"{"\/":1,"/":1}"#, true), (#"{"a":1,"A":1}"#, false),
        (#"{"é":1,"\u00e9":1}"#, true), (#"{"\ud83d\udd11":1,"🔑":2}"#, true),
        // Equivalent to Unicode, different names: é written as one and as two, K and the sign of the unit.
        ("{\"\u{e9}\":1,\"e\u{301}\":1}", false), (#"{"\u00e9":1,"e\u0301":1}"#, false),
        (#"{"K":1,"\u212A":1}"#, false),
        (#"[{"a":1,"a":1}]"#, false), (#""a""#, false),
    ])
    func aNameIsTwiceWhereItsBytesAre(written: String, isTwice: Bool) throws {
        #expect(try root(written).hasDuplicateKeys == isTwice)
    }

    @Test(arguments: [2, 15, 16, 17, 18, 1000])
    func aRepeatedNameIsFoundHoweverManyThereAre(count: Int) throws {
        let names = (0..<count).map { "\"n\($0)\":{\"x\":[0]}" }
        #expect(try !root("{\(names.joined(separator: ","))}").hasDuplicateKeys)
        for repeated in [0, count / 2, count - 1] {
            let text = "{\((names + [names[repeated]]).joined(separator: ","))}"
            #expect(try root(text).hasDuplicateKeys)
        }
    }

    @Test func ofARepeatedNameTheLastCounts() throws {
        let value = try root(#"{"a":1,"b":0,"a":{"c":2},"\u0061":3}"#)
        #expect(value["a"]?.int == 3)
        #expect(value.members.map(\.key) == ["a", "b", "a", "a"])
        #expect(try root(#"{"\u0061":3,"a":4}"#)["a"]?.int == 4)
    }

    @Test func aNameIsFoundByItsBytesAndNotByWhatIsEquivalent() throws {
        #expect(try root(#"{"\u212A":1}"#)["K"] == nil)
        #expect(try root("{\"\u{212A}\":1}")["K"] == nil)
        #expect(try root(#"{"\u004B":1}"#)["K"]?.int == 1)
        #expect(try root(#"{"e\u0301":1}"#)["é"] == nil)
        #expect(try root(#"{"abc":1}"#)["ab"] == nil)
        #expect(try root(#"{"ab":1}"#)["abc"] == nil)
        #expect(try root(#"{"":1}"#)[""]?.int == 1)
    }

    /// A lookup steps over what stands inside other members.
    @Test func aNestedNameIsNotAMember() throws {
        let value = try root(#"{"x":{"a":1},"y":[{"a":2}],"z":"a"}"#)
        #expect(value["a"] == nil)
        #expect(value["x"]?["a"]?.int == 1)
        #expect(value["y"]?.elements[0]["a"]?.int == 2)
    }
}
