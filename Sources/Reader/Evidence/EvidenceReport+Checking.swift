internal import Archive
internal import Bytes
internal import E2EE

/// How a reader checks a package, with commands that are ready to be typed.
extension EvidenceReport {
    var checking: [ReportBlock] {
        [
            .heading("How to check it"),
            .paragraph("With mmvault, offline and without any key; this checks everything that can be checked:"),
            .code(["mmvault check PACKAGE"]),
            .paragraph("With what every Linux has, in the folder of the package. Every file is as it was packed:"),
            .code(["sha256sum --quiet --strict -c SHA256SUMS && echo yes"]),
            .paragraph(
                "Where SHA256SUMS.asc is there, whose signature that is. Anybody can make a key with any name: compare the "
                    + "fingerprint that gpg prints with one that you did not get with this package."),
            .code(["gpg --import < signer.asc", "gpg --verify SHA256SUMS.asc SHA256SUMS"]),
            .paragraph("The chain holds: the second command prints nothing, the third one the chain's head."),
            .code([
                "split -l 11 --filter=sha256sum chain.txt | cut -c1-64 > ../hashes",
                "grep '^previous ' chain.txt | cut -c10- | tail -n +2 | diff - <(head -n -1 ../hashes)",
                "tail -n 1 ../hashes",
                "# \(facts.head.hash)",
            ]),
            .paragraph(
                "A document N is as it came and stands in the chain: the first hash is the one in the record's line "
                    + "sha256, the second one is line N of ../hashes. The line gzip of a record is the hash of the body "
                    + "as the archive compressed it, which is not in the package."),
            .code(["sha256sum documents/N.body", "sha256sum documents/N.record"]),
        ] + timeStampChecks + message
    }

    /// One message, from the server's answer to the signature and the text, with openssl 3, jq and xxd. What is signed:
    /// protocol.md of the plugin.
    private var message: [ReportBlock] {
        guard let sample = tally.sample, let point = signingPoint(of: sample.key, sample.post.userID) else { return [] }
        let range = sample.post.range
        return [
            .paragraph(
                "One message step by step, with openssl, jq and xxd. These commands take post \(sample.post.id), which "
                    + "@\(people.shownUsername(sample.post.userID)) signed; for another one, verdicts.jsonl has document, "
                    + "start, length and key_encryption_key, posts.jsonl opened_by, and keys.json the point sign of its author's key. The post, as the "
                    + "server sent it:"),
            .code([
                "tail -c +\(range.lowerBound + 1) documents/\(sample.post.documentSequence).body | head -c \(range.count) |",
                "  jq 'if type == \"string\" then fromjson else . end | .props.e2ee' > ../message",
            ]),
            .paragraph("What is signed: iv, hash of the one-time key, recipients, encrypted text."),
            .code([
                "cd ..; mkdir parts",
                "jq -j .iv message | base64 -d > parts/iv",
                "jq -j .pubECDHE message | base64 -d | openssl dgst -sha256 -binary > parts/once",
                "jq -r '.encryptedKey[][0]' message | while read -r id; do base64 -d <<< \"$id\"; done > parts/ids",
                "jq -j .encryptedData message | base64 -d > parts/data",
                "number() { printf '%08x' \"$1\" | sed -E 's/(..)(..)(..)(..)/\\4\\3\\2\\1/' | xxd -r -p; }",
                "{ cat parts/iv parts/once; number $(($(wc -c < parts/ids) / 32)); cat parts/ids;",
                "  number $(wc -c < parts/data); cat parts/data; } > parts/signed",
            ]),
            .paragraph("The signature fits the author's key: the last command prints Verified OK."),
            .code([
                "s=$(jq -j .signature message | base64 -d | xxd -p -c 64)",
                "printf 'asn1=SEQUENCE:s\\n[s]\\nr=INTEGER:0x%s\\ns=INTEGER:0x%s\\n' ${s:0:64} ${s:64} > parts/pair",
                "openssl asn1parse -genconf parts/pair -noout -out parts/signature",
                "{ xxd -r -p <<< 3059301306072a8648ce3d020106082a8648ce3d030107034200; base64 -d <<< \(Base64.standard.encode(point)); } |",
                "  openssl pkey -pubin -inform DER -out parts/key.pem",
                "openssl dgst -sha256 -verify parts/key.pem -signature parts/signature parts/signed",
            ]),
            .paragraph(
                "The text. The key in the package unwraps the message's key, as it stands in the message for the recipient "
                    + "who opened it; a wrong one prints an error."),
            .code([
                "id=$(xxd -r -p <<< \(sample.opener) | base64 -w0)",
                "jq -j --arg id \"$id\" '.encryptedKey[] | select(.[0] == $id)[1]' message | base64 -d |",
                "  openssl enc -d -id-aes128-wrap -K \(Hex.encode(sample.keyEncryptionKey)) -iv a6a6a6a6a6a6a6a6 > parts/key",
                "openssl enc -d -aes-128-ctr -K $(xxd -p parts/key) -iv $(xxd -p parts/iv) -in parts/data; echo",
            ]),
        ]
    }

    private func signingPoint(of key: KeyID, _ userID: String) -> [UInt8]? {
        keys.known[userID]?.first { $0.sighting.keyID == key.description }?.sighting.signingPoint
            ?? keys.own.first { $0.id == key }?.signingPoint
    }

    private var timeStampChecks: [ReportBlock] {
        guard let stamp = facts.timeStamps.first else { return [] }
        let body = EvidenceDocument.bodyName(stamp.sequence)
        return [
            .paragraph(
                "A time stamp is genuine. It stands in documents/N.body, and covers documents 1 to K (see above): it is of "
                    + "line K of ../hashes. ../ca.pem, beside the package and not in it, holds the authority's certificates, which you get from the "
                    + "authority. The number behind -attime is the time of the time stamp, in seconds since 1970, so that "
                    + "a certificate which has expired since does no harm. For document \(stamp.sequence):"),
            .code([
                "mmvault check --timestamp-ca ../ca.pem PACKAGE",
                "openssl ts -verify -digest $(sed -n \(stamp.covered)p ../hashes) -in \(body) \\",
                "  -CAfile ../ca.pem -attime \(stamp.token.time.milliseconds / 1000)",
            ]),
        ]
    }
}
