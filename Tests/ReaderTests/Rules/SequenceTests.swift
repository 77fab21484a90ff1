import Testing

/// Every row of the table of sequences in docs/trust-rules.md, in a real archive, and by the second implementation.
@Suite struct SequenceTests {
    @Test(arguments: SequenceRow.all) func theProgramSaysWhatTheTableSays(_ row: SequenceRow) async throws {
        let judged = try await RecordArchive(row.history.record).judgements()
        #expect(judged.map(Self.words) == row.expected)
    }

    @Test(arguments: SequenceRow.all) func theSecondImplementationSaysWhatTheTableSays(_ row: SequenceRow) {
        let model = RulesModel(row.history.record)
        let judged = row.expected.indices.map { model.judgement(of: $0) }
        #expect(judged.map(Self.words) == row.expected)
    }

    static func words(_ judgement: RulesModel.Judgement) -> String {
        ([judgement.authenticity.rawValue] + judgement.suspicions.map(\.rawValue).sorted()).joined(separator: " ")
    }

    /// Each of these histories was made by somebody who has the server, and none of it is called clean.
    @Test func aVerdictThatBeginsWithVerifiedIsNotEnough() {
        for row in SequenceRow.all {
            let model = RulesModel(row.history.record)
            for (place, words) in row.expected.enumerated() {
                let isClean = words == "verified" || words == "verifiedByEarlierKey"
                #expect(model.judgement(of: place).isClean == isClean, "\(row.name)")
            }
        }
    }
}
