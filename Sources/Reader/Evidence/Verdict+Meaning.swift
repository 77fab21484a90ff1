extension Authenticity {
    /// What the word means, and what it does not, from the threat model.
    var meaning: (is: String, isNot: String) {
        switch self {
        case .verified:
            (
                "signed by the key that the author writes with now: compared by the archive's owner, taken by them, or "
                    + "the first that the server showed",
                "that the key is the author's, where the owner did not compare it: the server says so"
            )
        case .verifiedByEarlierKey:
            ("signed by another key known to be the author's", "anything less; people make new keys")
        case .newKeyUnanswered:
            (
                "signed by a key that the server showed after another one, and of which the archive's owner has not said "
                    + "whether it is the author's",
                "that somebody else wrote it, or that nobody did"
            )
        case .keyDisputed:
            (
                "signed by a key that the server showed for a while only, or for several people",
                "whose key it is"
            )
        case .unknownSender: ("no key of the author is known", "that anything is wrong")
        case .signatureInvalid:
            (
                "keys of the author are known, and none fits: the text was changed, somebody else wrote it, the author "
                    + "used a key that was never seen here, or the key that fits was rejected",
                "which of these it is"
            )
        case .unchecked: ("there is no message of a known form whose signature could be checked", "-")
        }
    }
}

extension Suspicion {
    /// What the word means, and what it does not, from the threat model.
    var meaning: (is: String, isNot: String) { (reason, "that the author did not write it") }
}

extension Content {
    /// What the word means, and what it does not, from the threat model.
    var meaning: (is: String, isNot: String) {
        switch self {
        case .decrypted: ("a key of the archive's owner opened it", "that everybody got the same text")
        case .notForUs: ("encrypted for keys that were not at hand", "that anything is wrong")
        case .keyUnwrapFailed: ("encrypted for a key of the owner's, and the key inside is damaged", "who damaged it")
        case .malformed, .unsupportedVersion, .missingPayload:
            ("not a message as the protocol has it", "who made it so")
        case .plain: ("never encrypted, and nobody signed it", "that the named author wrote it: the server says so")
        }
    }
}
