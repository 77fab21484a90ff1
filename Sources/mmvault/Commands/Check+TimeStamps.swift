import Archive
import Reader

extension Check {
    /// The authorities whose certificates a file holds.
    static func authorities(in file: String) throws -> TimeStampAuthorities {
        guard let authorities = TimeStampAuthorities(pem: try InputFile.read(file)) else {
            throw Failure(
                .usage, "\(SafeText.line(InputFile.name(file))) holds no certificates that can be read",
                hint: "it must be in PEM, with lines “-----BEGIN CERTIFICATE-----”; the authority publishes them")
        }
        return authorities
    }

    /// Lists time stamps, and what the authorities' certificates say of them.
    ///
    /// - Parameter authorities: nil where nobody named any.
    /// - Returns: false where there is something to look at.
    static func describe(_ stamps: [TimeStampDocument], _ authorities: TimeStampAuthorities?) -> Bool {
        guard let authorities else {
            for stamp in stamps {
                Terminal.print(
                    ("a time stamp over documents 1 to \(stamp.covered) is here (document \(stamp.sequence)), not "
                        + "verified: give the authority's certificates with --timestamp-ca FILE").wrapped(indent: 2))
            }
            return true
        }
        if stamps.isEmpty { Terminal.print("NOT STAMPED  there is no time stamp here".wrapped(indent: 13)) }
        // Up to which document an authority that the reader trusts vouches. One that they do not know takes nothing from that.
        var trusted: Int64 = 0
        var covered: Int64 = 0
        for stamp in stamps {
            let authority = SafeText.line(stamp.token.authority)
            let time = "\(stamp.token.time.second) UTC"
            covered = max(covered, stamp.covered)
            switch stamp.token.judgement(by: authorities) {
            case .trusted:
                trusted = max(trusted, stamp.covered)
                Terminal.print(
                    ("documents 1 to \(stamp.covered) existed on \(time), says \(authority) (document "
                        + "\(stamp.sequence))").wrapped(indent: 2))
            case .untrusted(let why):
                Terminal.print(
                    ("NOT TRUSTED  the time stamp over documents 1 to \(stamp.covered) (document \(stamp.sequence)): its "
                        + "signature is good, and the authorities in the file of --timestamp-ca do not vouch for the "
                        + "certificate, which calls itself “\(authority)”: \(SafeText.line(why))").wrapped(indent: 13))
            }
        }
        return trusted > 0 && trusted == covered
    }
}
