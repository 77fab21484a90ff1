import Testing

@testable import Bytes

@Suite struct Base64Tests {
    /// RFC 4648, section 10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func theStandardsAnswersAreGiven(text: String, base64: String) {
        let unpadded = base64.replacing("=", with: "")
        #expect(Base64.standard.encode(Array(text.utf8)) == base64)
        #expect(Base64.standard.decode(base64) == Array(text.utf8))
        #expect(Base64.urlUnpadded.encode(Array(text.utf8)) == unpadded)
        #expect(Base64.urlUnpadded.decode(unpadded) == Array(text.utf8))
    }

    @Test(arguments: 0...100)
    func everyLengthSurvives(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
        for variant in [Base64.standard, .urlUnpadded] {
            let text = variant.encode(bytes)
            #expect(variant.decode(text) == bytes)
            #expect(variant.decode(Array(text.utf8)) == bytes)
            let inside = Array("<\(text)>".utf8)[1..<1 + text.utf8.count]
            #expect(variant.decode(inside) == bytes)
            #expect(variant.encode((bytes + [9])[..<count]) == text)
        }
        #expect(Base64.standard.encode(bytes).utf8.count == (count + 2) / 3 * 4)
        #expect(Base64.urlUnpadded.encode(bytes).utf8.count == (count * 8 + 5) / 6)
    }

    @Test func theAlphabetsDifferInTwoCharacters() {
        let all: [UInt8] = [0xFB, 0xEF, 0xBE, 0xFF, 0xFF, 0xFF]
        #expect(Base64.standard.encode(all) == "++++////")
        #expect(Base64.urlUnpadded.encode(all) == "----____")
        #expect(Base64.standard.decode("----____") == nil)
        #expect(Base64.urlUnpadded.decode("++++////") == nil)
    }

    @Test(arguments: [
        // Bits behind the last byte that are not zero: another spelling of the same bytes.
        "Zh==", "Zn==", "Zv==", "Z/==", "Zm9=", "Zm+=", "Zm9vYh==", "Zm9vYmF=",
        // Padding missing, too much, in the middle, alone.
        "Zg", "Zg=", "Zg===", "Zm8", "Zm8==", "Zm9v=", "Zm9v==", "Zm9v====", "=", "==", "===", "====", "Z===",
        "Zg==Zg==",
        "Zm8=Zm9v", "=Zg=", "Z=g=", "Zg=A",
        // Not four by four, and other characters.
        "Z", "Zm9vY", " Zg==", "Zg== ", "Zg==\n", "Zm\n8=", "Zm9v\r\nYmFy", "Zm9*", "Zm-_", "Zm9\0", "Zm9é", "Zé==",
    ])
    func everyOtherSpellingIsRefused(text: String) {
        #expect(Base64.standard.decode(text) == nil)
    }

    @Test(arguments: ["Zh", "Zm9", "Z", "Zm9vY", "Zg==", "Zm8=", "Z g", "Zg\n", "Zm+/", "é"])
    func everyOtherUnpaddedSpellingIsRefused(text: String) {
        #expect(Base64.urlUnpadded.decode(text) == nil)
    }

    /// All texts of four characters over a small alphabet: what decodes encodes again to the same.
    @Test func whatDecodesEncodesToTheSame() {
        let characters = Array("AQgwz+/=-_ \n9".utf8)
        var accepted = 0
        for variant in [Base64.standard, .urlUnpadded] {
            for code in 0..<(characters.count * characters.count * characters.count * characters.count) {
                var rest = code
                let text = (0..<4).map { _ in
                    defer { rest /= characters.count }
                    return characters[rest % characters.count]
                }
                guard let bytes = variant.decode(text) else { continue }
                accepted += 1
                if variant.encode(bytes) != String(decoding: text, as: UTF8.self) { Issue.record("\(text)") }
            }
        }
        #expect(accepted > 1000)
    }

    @Test func everyByteOutsideTheAlphabetIsRefusedInEveryPlace() {
        let alphabet = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        for byte in UInt8.min...UInt8.max {
            for place in 0..<8 {
                var text = Array("AAAAAAAA".utf8)
                text[place] = byte
                // One or two `=` at the end are padding, and the zeros before them are canonical.
                let isExpected = alphabet.contains(byte) || (byte == UInt8(ascii: "=") && place == 7)
                #expect((Base64.standard.decode(text) != nil) == isExpected, "\(byte) at \(place)")
            }
        }
    }

    @Test(arguments: 0...40)
    func decodingIntoPlaceFillsExactlyTheRoom(count: Int) {
        let bytes = (0..<count).map { UInt8($0 * 5 + 1) }
        let text = Array(Base64.urlUnpadded.encode(bytes).utf8)[...]
        for size in [count - 1, count, count + 1] where size >= 0 {
            var room = [UInt8](repeating: 0xAA, count: size + 2)
            let isDecoded = room.withUnsafeMutableBytes {
                Base64.urlUnpadded.decode(text, into: UnsafeMutableRawBufferPointer(rebasing: $0[1..<1 + size]))
            }
            #expect(isDecoded == (size == count))
            if isDecoded { #expect(Array(room[1..<count + 1]) == bytes) }
            #expect(room.first == 0xAA && room.last == 0xAA)
        }
    }
}
