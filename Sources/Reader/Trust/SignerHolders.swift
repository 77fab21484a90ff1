/// Who is known by a signer, as far as the standing for one of them asks of the others: of each sort the two that decide,
/// since one of them is another user. A server can show one key for thousands.
struct SignerHolders {
    private typealias Shown = (userID: String, pull: Int)
    private var shown: [Shown] = []
    private var shownAndNotRejected: [Shown] = []
    private var answered: [String] = []

    mutating func add(_ userID: String, firstPull: Int?, isRejected: Bool, isAnswered: Bool) {
        if let firstPull {
            Self.note((userID, firstPull), in: &shown)
            if !isRejected { Self.note((userID, firstPull), in: &shownAndNotRejected) }
        }
        if isAnswered, answered.count < 2 { answered.append(userID) }
    }

    private static func note(_ new: Shown, in list: inout [Shown]) {
        list.append(new)
        list.sort { $0.pull < $1.pull }
        list = Array(list.prefix(2))
    }

    func isAnswered(forAnotherThan userID: String) -> Bool { answered.contains { $0 != userID } }

    /// Whether a pull no later than this one showed it for another user.
    func isShown(forAnotherThan userID: String, until pull: Int, mayBeRejected: Bool) -> Bool {
        (mayBeRejected ? shown : shownAndNotRejected).contains { $0.userID != userID && $0.pull <= pull }
    }
}
