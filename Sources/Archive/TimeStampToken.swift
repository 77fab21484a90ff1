public import Bytes

/// An authority's word that somebody showed it a SHA-256 at a time: a granted time-stamp response (RFC 3161).
///
/// When a value is made, its signature is verified with the certificate that comes with it. Anybody can make such a certificate:
/// `judgement(by:)` tells whether it is an authority's.
public struct TimeStampToken: Sendable {
    /// What it is about.
    public let imprint: SHA256Digest
    /// When the authority says that it signed, by its own clock.
    public let time: Timestamp
    /// What the certificate in it calls the authority: anything at all, until the token is judged.
    public let authority: String
    private let response: [UInt8]

    /// More than any response has.
    public static let maximumSize = 1 << 20

    /// - Parameter response: as the authority sent it.
    /// - Throws: `badTimeStamp`.
    public init(_ response: [UInt8]) throws(ArchiveError) {
        guard response.count <= TimeStampToken.maximumSize, let parsed = TimeStampResponse(response) else {
            throw .badTimeStamp(what: "it is no time-stamp response (RFC 3161, in DER)")
        }
        if let refusal = parsed.refusal { throw .badTimeStamp(what: "the authority gave no time stamp: \(refusal)") }
        guard let imprint = parsed.imprint else { throw .badTimeStamp(what: "it is not a time stamp of a SHA-256") }
        guard let time = parsed.time else { throw .badTimeStamp(what: "it states no time") }
        if let flaw = parsed.flaw { throw .badTimeStamp(what: "its signature does not verify: \(flaw)") }
        guard let authority = parsed.authority else { throw .badTimeStamp(what: "it does not say who signed it") }
        (self.imprint, self.time, self.authority, self.response) = (imprint, time, authority, response)
    }

    /// The request to which such a response is the answer, in DER: for the certificate to come with it. It has no nonce, which
    /// nobody could compare later: a response that is an old one would state an old time, which is no less true.
    public static func request(for imprint: SHA256Digest) -> [UInt8] {
        // SEQUENCE { version 1, SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING }, certReq TRUE }
        let head: [UInt8] = [0x30, 0x39, 0x02, 0x01, 0x01, 0x30, 0x31, 0x30, 0x0D, 0x06, 0x09]
        let sha256: [UInt8] = [0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20]
        return head + sha256 + imprint.bytes + [0x01, 0x01, 0xFF]
    }
}

extension TimeStampToken {
    /// What the certificates of authorities say of a token.
    public enum Judgement: Equatable, Sendable {
        /// One of them vouches for it.
        case trusted
        /// None of them does, and why.
        case untrusted(why: String)
    }

    /// Whether one of these authorities made it. Certificates are judged as of the time that it states, so that it can be
    /// verified once they have expired; whether one was revoked is not asked.
    public func judgement(by authorities: TimeStampAuthorities) -> Judgement {
        guard let parsed = TimeStampResponse(response), let store = CertificateStore(authorities.pem, at: time) else {
            return .untrusted(why: "it, or the certificates, cannot be read")
        }
        return parsed.flaw(trusting: store).map { .untrusted(why: $0) } ?? .trusted
    }
}

/// Certificates of authorities whose word is taken, as a file in PEM holds them.
public struct TimeStampAuthorities: Sendable {
    let pem: [UInt8]

    /// - Returns: nil where there is no certificate, or one that cannot be read.
    public init?(pem: [UInt8]) {
        guard CertificateStore(pem, at: Timestamp(milliseconds: 0)) != nil else { return nil }
        self.pem = pem
    }
}
