import Bytes
import E2EE
import Testing

@testable import Reader

@Suite("Backups in mails, pages and messages")
struct MailTests {
    private static let armor = [
        BackupText.begin, "", "hQEMA+/=x+ab/cdEFGHijklMNOPqrstUVWXyz0123456789ABCDabcdEFGHefgh", "IJKL/mnop+qrst==",
        "=3Mxy",
        BackupText.end,
    ]
    private static let text = armor.joined(separator: "\n") + "\n"
    private static let expected = [BackupText.Found.openPGP(Array(text.utf8))]

    private func find(_ text: String) -> [BackupText.Found] { BackupText.find(in: Array(text.utf8)) }

    private static func quoted(_ text: String) -> String {
        text.replacing("=", with: "=3D").split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.count > 40 ? "\($0.prefix(40))=\n\($0.dropFirst(40))" : String($0) }.joined(separator: "\n")
    }

    private static let page =
        "<html><body><p>" + text.replacing("+", with: "&#43;").replacing("\n", with: "<br>")
        + "</p></body></html>"

    private static let forms: [(name: String, mail: String)] = [
        ("armor alone", text),
        ("in a message", "Here it is:\n\n\(text)\nBye"),
        ("in a message that begins in another script", "Здравствуйте\n\(text)"),
        ("behind a quotation mark", "“\n\(text)”"),
        ("with a byte order mark", "\u{FEFF}\(text)"),
        (
            "quoted",
            text.split(separator: "\n", omittingEmptySubsequences: false).map { "> > \($0)" }.joined(separator: "\n")
        ),
        ("plain mail", "From: a@b\nSubject: x\n\n\(text)"),
        ("from an mbox", "From a@b Mon Nov 23 08:31:05 2026\nFrom: a@b\nTo: c\n\n\(text)"),
        ("CR LF", "From: a@b\nContent-Type: text/plain;\n charset=utf-8\n\n\(text)".replacing("\n", with: "\r\n")),
        ("base64", "From: a\nContent-Transfer-Encoding: base64\n\n\(wrapped(text))"),
        ("quoted-printable", "From: a\nContent-Transfer-Encoding: quoted-printable\n\n\(quoted(text))"),
        ("quoted-printable without its headers", quoted(text)),
        ("a page", page),
        ("a page in quoted-printable", quoted(page)),
        (
            "HTML",
            "From: a\nContent-Type: text/html\n\n<div>"
                + text.replacing("+", with: "&#43;").replacing("=", with: "&#61;").replacing("\n", with: "<br>")
                + "</div>"
        ),
        (
            "nested parts",
            """
            From: a
            MIME-Version: 1.0
            Content-Type: multipart/mixed;
            \tboundary="=_outer"

            preamble
            --=_outer
            Content-Type: multipart/alternative; boundary=inner

            --inner
            Content-Type: text/plain; charset=utf-8

            nothing here
            --inner
            Content-Type: text/html

            <p>nor here</p>
            --inner--
            --=_outer
            Content-Type: application/octet-stream; name="x.asc"
            Content-Transfer-Encoding: base64

            \(wrapped(text))
            --=_outer--
            epilogue
            """
        ),
    ]

    private static func wrapped(_ text: String) -> String {
        let encoded = Array(Base64.standard.encode(Array(text.utf8)))
        return stride(from: 0, to: encoded.count, by: 60).map { String(encoded[$0..<min($0 + 60, encoded.count)]) }
            .joined(separator: "\n")
    }

    @Test("the armor is found in every form, exactly and once", arguments: forms.indices)
    func everyForm(_ index: Int) {
        #expect(find(MailTests.forms[index].mail) == MailTests.expected, "\(MailTests.forms[index].name)")
    }

    @Test("a clear-text backup is found, as it is and in a mail")
    func clearText() throws {
        let backup = KeyBackup.text(of: .generate())
        #expect(find(backup) == [.clearText(backup)])
        #expect(find("From: a\n\n\(backup)") == [.clearText(backup)])
    }

    @Test("two backups in one text are two, twice the same one is one")
    func several() {
        let other = MailTests.text.replacing("hQEM", with: "hQEN")
        #expect(find(MailTests.text + other + MailTests.text).count == 2)
    }

    @Test("bytes that are no text are taken for OpenPGP, and texts without a backup for nothing")
    func others() {
        #expect(BackupText.find(in: [0x85, 0x01, 0x0C, 0xFF]) == [.openPGP([0x85, 0x01, 0x0C, 0xFF])])
        for text in ["", "x", "Привет", BackupText.begin, BackupText.end + BackupText.begin, "From: a\n\n"] {
            #expect(find(text) == [])
        }
    }

    @Test("no damage stops the search")
    func damage() {
        var random = Seeded(3)
        for (_, mail) in MailTests.forms {
            let bytes = Array(mail.utf8)
            for _ in 0..<60 {
                var damaged = bytes
                for _ in 0..<Int.random(in: 1...6, using: &random) where !damaged.isEmpty {
                    let place = Int.random(in: 0..<damaged.count, using: &random)
                    switch Int.random(in: 0...2, using: &random) {
                    case 0: damaged[place] = UInt8.random(in: 0...255, using: &random)
                    case 1: damaged.removeSubrange(place..<min(damaged.count, place + 40))
                    default: damaged.removeLast(damaged.count - place)
                    }
                }
                #expect(BackupText.find(in: damaged).count <= 2)
            }
        }
        for length in 0..<300 {
            _ = BackupText.find(in: (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) })
        }
    }

    @Test("quoted-printable is decoded, and what is not stays")
    func quotedPrintable() {
        #expect(QuotedPrintable.decode("a=3Db=C3=A9=\r\nc=\nd=zz=") == "a=bécd=zz=")
    }
}
