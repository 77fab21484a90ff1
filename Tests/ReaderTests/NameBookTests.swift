import Testing

@testable import Archive
@testable import Reader

/// Whom one may take for one another is told apart, also from a server that chooses the names and the ids.
@Suite struct NameBookTests {
    private func book(_ names: (String, String)...) -> NameBook {
        NameBook(
            names.enumerated().map { number, name in
                NameBearing(
                    userID: name.0, name: name.1, document: Int64(number), at: Timestamp(milliseconds: Int64(number)))
            })
    }

    @Test func asMuchOfTheIDsIsShownAsTellsThemApart() {
        let book = book(("ih1r84aaaa", "carol"), ("ih1r84abbb", "Carol"), ("zzzzzzzzzz", "dave"))
        #expect(book.tell("@carol", of: "ih1r84aaaa") == "@carol [user ih1r84aa]")
        #expect(book.tell("@Carol", of: "ih1r84abbb") == "@Carol [user ih1r84ab]")
        #expect(book.tell("@dave", of: "zzzzzzzzzz") == "@dave")
    }

    /// `l` for `1`: a person does not tell these beginnings apart.
    @Test func idsThatLookAlikeAreTheSame() {
        let book = book(("ih1r84aaaa", "carol"), ("ihlr84baaa", "carol"))
        #expect(book.distinction("ih1r84aaaa") == " [user ih1r84a]")
    }

    @Test(arguments: ["carol [user ih1r84]", "carol ［user ih1r84］", "carol [\u{200B}uѕer ih1r84]"])
    func noNameLooksToldApart(_ name: String) {
        let told = NameBook().tell(name, of: "ih1r84aaaa")
        #expect(told.hasPrefix("carol (") && told.hasSuffix("ih1r84)"))
        #expect(NameBook().tell("Bob [HR]", of: "ih1r84aaaa") == "Bob [HR]")
    }

    @Test(
        arguments: [
            "a\u{0406}ice", "a\u{0399}ice", "a\u{FF29}ice", "a\u{1D408}ice", "a\u{2160}ice", "a\u{04C0}ice",
            "a\u{05C0}ice", "a\u{0661}ice", "a\u{05DF}ice", "alice\u{1D159}", "alice\u{3164}", "al\u{0456}ce", "aIice",
            "a1ice",
        ])
    func namesThatLookAlikeAreFound(_ name: String) {
        #expect(LookAlikes.fold(name) == LookAlikes.fold("alice"), "\(name)")
        #expect(book(("first", "alice"), ("second", name)).isAmbiguous("second"))
    }
}
