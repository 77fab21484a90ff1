import Archive
import Bytes
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// Which keys the server showed for whom, and when that changed.
struct KeyPinningTests {
    /// Something that has a public key's form, in base64.
    static func point(_ number: UInt8) -> String {
        Data([4] + [UInt8](repeating: number, count: 64)).base64EncodedString()
    }

    private func keyID(_ encr: UInt8, _ sign: UInt8) throws -> String {
        let bytes = try #require(
            Data(base64Encoded: KeyPinningTests.point(encr)).flatMap { encr in
                Data(base64Encoded: KeyPinningTests.point(sign)).map { Array(encr) + Array($0) }
            })
        return SHA256Digest(of: bytes).description
    }

    private func push(_ town: Town, _ user: String, _ encr: UInt8, _ sign: UInt8) {
        town.world.pushKey(user, encr: KeyPinningTests.point(encr), sign: KeyPinningTests.point(sign))
    }

    /// A key as the plugin's server writes it.
    private func key(_ encr: UInt8, _ sign: UInt8) -> String {
        "{\"encr\":\"\(KeyPinningTests.point(encr))\",\"sign\":\"\(KeyPinningTests.point(sign))\"}"
    }

    /// Runs `body` in a town whose server answers every question for keys with what stands in the box.
    private func answeringForKeys(_ body: (Town, Box<String>) async throws -> Void) async throws {
        let answer = Box("")
        try await Town.with(
            interceptor: { request in
                request.path.hasSuffix("/pubkey/get")
                    ? .status(200, body: answer.value, headers: [("Content-Type", "application/json")]) : nil
            },
            { town in try await body(town, answer) })
    }

    @Test func theFirstKeyIsPinned() async throws {
        try await Town.with { town in
            push(town, town.bob, 1, 2)
            let report = try await town.pull()
            #expect(report.keyChanges.isEmpty && report.keysFailure == nil)
            let keys = try town.archive().knownKeys()
            #expect(keys[town.alice] == nil, "who has no key has none")
            let key = try #require(keys[town.bob]?.first)
            #expect(try key.sighting.keyID == keyID(1, 2))
            #expect(key.isCurrent && key.isFirst && !key.isOwn && key.sighting.source == .server)
        }
    }

    @Test func aKeySeenAgainIsTheSameKeySeenLater() async throws {
        try await Town.with { town in
            push(town, town.bob, 1, 2)
            try await town.pull()
            let first = try #require(try town.archive().knownKeys()[town.bob]?.first)
            let report = try await town.pull()
            #expect(report.keyChanges.isEmpty)
            let keys = try #require(try town.archive().knownKeys()[town.bob])
            #expect(keys.count == 1)
            #expect(keys[0].firstSeen == first.firstSeen && keys[0].lastSeen >= first.lastSeen)
        }
    }

    @Test func anotherKeyIsToldOnceAndBothStayKnown() async throws {
        try await Town.with { town in
            push(town, town.bob, 1, 2)
            try await town.pull()
            try await town.pull()
            let old = try #require(try town.archive().knownKeys()[town.bob]?.first)
            push(town, town.bob, 3, 4)
            let report = try await town.pull()
            let expected = KeyChange(
                userID: town.bob, username: "bob", oldKeyID: try keyID(1, 2), newKeyID: try keyID(3, 4),
                oldLastSeen: old.lastSeen, pinnedKeyID: try keyID(1, 2), pinnedSince: old.firstSeen)
            #expect(report.keyChanges == [expected])
            let again = try await town.pull()
            #expect(again.keyChanges.isEmpty)
            let keys = try #require(try town.archive().knownKeys()[town.bob])
            #expect(try keys.map(\.sighting.keyID) == [keyID(1, 2), keyID(3, 4)])
            #expect(keys.map(\.isCurrent) == [false, true] && keys.map(\.isFirst) == [true, false])
            #expect(keys[0].lastSeen == old.lastSeen && keys[1].firstSeen >= old.lastSeen)
        }
    }

    @Test func aThirdKeyIsHeldAgainstTheSecondAndTheFirstStaysPinned() async throws {
        try await Town.with { town in
            for number in [1, 3, 5] as [UInt8] {
                push(town, town.bob, number, number + 1)
                let report = try await town.pull()
                guard number == 5 else { continue }
                #expect(try report.keyChanges.map(\.oldKeyID) == [keyID(3, 4)])
                #expect(try report.keyChanges.map(\.pinnedKeyID) == [keyID(1, 2)])
            }
            push(town, town.bob, 1, 2)
            let back = try await town.pull()
            #expect(try back.keyChanges.map(\.newKeyID) == [keyID(1, 2)], "and back is a change, too")
            #expect(try town.archive().knownKeys()[town.bob]?.count == 3)
        }
    }

    /// Who writes is found with the posts, and asked about in the same pull.
    @Test func theKeyOfSomeoneWhoHasLeftIsFetched() async throws {
        try await Town.with { town in
            let carol = town.world.addUser(username: "carol")
            town.world.join(carol, town.channel)
            town.world.post(in: town.channel, by: carol, message: "bye")
            town.world.leave(carol, town.channel)
            push(town, carol, 7, 8)
            try await town.pull()
            #expect(try town.archive().knownKeys()[carol]?.count == 1)
        }
    }

    @Test(arguments: [
        #"{"encr":"AAAA","sign":"AAAA"}"#, #"{"encr":"*","sign":"*"}"#, #"{"encr":7}"#, "7", "[]", "{}", "null",
        #"{"encr":null,"sign":null}"#,
    ])
    func aKeyWithoutAKeysFormIsNoKey(_ malformed: String) async throws {
        try await answeringForKeys { town, answer in
            answer.value = "{\"pubKeys\":{\"\(town.alice)\":\(malformed),\"\(town.bob)\":\(key(1, 2))}}"
            town.write(2)
            let report = try await town.pull()
            #expect(report.failures.isEmpty && report.keysFailure == nil)
            let keys = try town.archive().knownKeys()
            #expect(keys[town.alice] == nil && keys[town.bob]?.count == 1)
        }
    }

    /// An answer that is kept shows what was asked: otherwise the check would miss keys in the index that stand in it.
    @Test func aKeyThatNobodyAskedForSpoilsTheAnswer() async throws {
        try await answeringForKeys { town, answer in
            let stranger = town.world.addUser(username: "stranger")
            town.write(2)
            answer.value = "{\"pubKeys\":{\"\(town.bob)\":\(key(1, 2)),\"\(stranger)\":\(key(3, 4))}}"
            let report = try await town.pull()
            #expect(report.keysFailure != nil && report.failures.isEmpty)
            #expect(try town.archive().knownKeys().isEmpty)
            #expect(try await town.archive().check().isClean)
        }
    }

    @Test func moreThanAHundredPeopleAreAskedAboutInBatches() async throws {
        try await Town.with { town in
            for number in 0..<230 {
                let user = town.world.addUser(username: "user\(number)")
                town.world.join(user, town.channel)
                push(town, user, UInt8(number), UInt8(number) ^ 0xFF)
            }
            let report = try await town.pull()
            #expect(report.keysFailure == nil)
            let archive = try town.archive()
            #expect(try archive.users().count == 232 && archive.knownKeys().count == 230)
            #expect(town.server.requests.count { $0.path.hasSuffix("/pubkey/get") } == 3)
        }
    }

    /// That a server has no key any more is kept, and that it still has none as well: how a later key stands depends on it.
    @Test func everyAnswerThatAKeyHasGoneIsKept() async throws {
        try await answeringForKeys { town, answer in
            answer.value = "{\"pubKeys\":{\"\(town.alice)\":null,\"\(town.bob)\":\(key(1, 2))}}"
            town.write(2)
            try await town.pull()
            #expect(try town.archive().keyRecord().withoutKeyNow.isEmpty)
            answer.value = "{\"pubKeys\":{\"\(town.alice)\":null,\"\(town.bob)\":null}}"
            try await town.pull()
            let gone = try town.archive().keyRecord().withoutKeyNow
            #expect(Array(gone.keys) == [town.bob])
            try await town.pull()
            let record = try town.archive().keyRecord()
            let runs = try #require(record.shown[town.bob])
            #expect(try runs.map(\.key?.keyID) == [keyID(1, 2), nil] && record.pulls.count == 3)
            #expect(runs[1].last.document > runs[1].first.document)
            #expect(record.withoutKeyNow[town.bob] == runs[1].last.at)
            #expect(record.shown[town.alice]?.map(\.key?.keyID) == [nil], "who never had one, too")
            #expect(try await town.archive().check().isClean)
        }
    }

    /// To say nothing of somebody would be a way around what it means that they have no key.
    @Test func anAnswerThatLeavesSomebodyOutIsNotKept() async throws {
        try await answeringForKeys { town, answer in
            answer.value = "{\"pubKeys\":{\"\(town.bob)\":\(key(1, 2))}}"
            town.write(2)
            let report = try await town.pull()
            #expect(report.keysFailure != nil && report.failures.isEmpty)
            #expect(try town.archive().keyRecord().shown.isEmpty)
            #expect(try await town.archive().check().isClean)
        }
    }

    /// Names are people's only handle, and the server's word.
    @Test func aNameThatBecomesAnothersIsTold() async throws {
        let names = Box<(String, String)?>(nil)
        let ids = Box(("", ""))
        try await Town.with(
            interceptor: { request in
                guard request.path.hasSuffix("/users/ids"), let (alice, bob) = names.value else { return nil }
                let users = [(ids.value.0, alice), (ids.value.1, bob)].map { id, name in
                    "{\"id\":\"\(id)\",\"username\":\"\(name)\"}"
                }
                return .status(
                    200, body: "[\(users.joined(separator: ","))]", headers: [("Content-Type", "application/json")])
            },
            { town in
                ids.value = (town.alice, town.bob)
                town.write(2)
                #expect(try await town.pull().nameChanges.isEmpty)
                names.value = ("alice", "robert")
                let renamed = try await town.pull().nameChanges
                #expect(renamed.map(\.after) == ["robert"] && renamed[0].formerOwners.isEmpty)
                names.value = ("bob", "alice")
                let swapped = try await town.pull().nameChanges
                #expect(swapped.map(\.userID) == [town.alice, town.bob])
                #expect(swapped.map(\.formerOwners) == [[town.bob], [town.alice]])
                #expect(try await town.pull().nameChanges.isEmpty)
            })
    }
}
