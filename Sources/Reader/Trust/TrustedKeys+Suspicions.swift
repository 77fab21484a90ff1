internal import Archive
internal import E2EE

extension TrustedKeys {
    /// What the archive and the record make suspicious about a version: docs/trust-rules.md, “Suspicions”. That a text in
    /// the clear stands beside its message is for whoever has the post to say.
    func suspicions(of past: MessagePast, _ judgement: Judgement, by userID: String) -> [Suspicion] {
        var suspicions: [Suspicion] = []
        if past.isRolledBack { suspicions.append(.rolledBack) }
        if past.isRepeated { suspicions.append(.repeated) }
        if past.isMoved { suspicions.append(.moved) }
        guard let signer = judgement.signer, let standing = judgement.standing, standing != .rejected else {
            return suspicions
        }
        let succession = succession(of: signer, userID)
        let isOwn = standing == .own
        if let seen = succession.predecessorLastSeen, !isOwn, standing != .confirmed, standing != .adopted,
            past.written.upperBound + TrustedKeys.allowance < seen.milliseconds
        {
            suspicions.append(.datedBack)
        }
        if let successor = succession.firstSuccessor, !isOwn, !judgement.isInUse {
            let hasComeLate =
                succession.lastSuccessor.flatMap(past.lastPass).map {
                    past.written.upperBound + TrustedKeys.allowance < $0.milliseconds
                } ?? false
            if hasComeLate || past.written.lowerBound > successor.milliseconds + TrustedKeys.allowance {
                suspicions.append(.afterSuccession)
            }
        }
        return suspicions
    }

    /// How far the server's clock and this one may be apart, in milliseconds.
    private static let allowance: Int64 = 10 * 60_000
}
