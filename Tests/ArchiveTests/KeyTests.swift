import Bytes
import Foundation
import Testing

@testable import Archive

/// Public keys: everything ever seen, since when, and which the server shows now.
@Suite struct KeyTests {
    let sandbox: Sandbox
    let directory: AccountDirectory
    let writer: ArchiveWriter

    init() throws {
        sandbox = try Sandbox()
        directory = try sandbox.account()
        writer = try ArchiveWriter(directory)
    }

    private func keyID(_ byte: UInt8) -> String { SHA256Digest(of: point(byte) + point(byte + 100)).description }

    private func show(_ keys: [(user: String, key: UInt8)], at time: Int64) async throws {
        let members = keys.map { user, byte in
            #""\#(user)":{"sign":"\#(Base64.standard.encode(point(byte + 100)))","#
                + #""encr":"\#(Base64.standard.encode(point(byte)))"}"#
        }
        let document = received(
            Array(#"{"pubKeys":{"":null,\#(members.joined(separator: ",")),"nosuchuser":null}}"#.utf8), .keys,
            channel: nil, at: time)
        let found = try sightings(in: document)
        #expect(found.count == keys.count)
        try await writer.append(document, keys: found)
    }

    private func restore(_ user: String, _ key: UInt8, at time: Int64) async throws {
        let document = ReceivedDocument.ownKey(
            userID: user, encryptionPoint: point(key), signingPoint: point(key + 100),
            at: Timestamp(milliseconds: time))
        try await writer.append(document, keys: sightings(in: document))
    }

    @Test func theFirstKeyShownIsPinnedAndTheLastIsCurrent() async throws {
        try await show([(bob, 1)], at: 10)
        try await show([(bob, 1)], at: 20)
        try await show([(bob, 2)], at: 30)
        try await show([(bob, 2)], at: 40)
        let keys = try #require(try Archive(directory).knownKeys()[bob])
        #expect(keys.map(\.sighting.keyID) == [keyID(1), keyID(2)])
        #expect(keys.map(\.firstSeen.milliseconds) == [10, 30] && keys.map(\.lastSeen.milliseconds) == [20, 40])
        #expect(keys.map(\.isFirst) == [true, false] && keys.map(\.isCurrent) == [false, true])
        #expect(keys.map(\.isOwn) == [false, false])
        #expect(keys[1].sighting.encryptionPoint == point(2) && keys[1].sighting.signingPoint == point(102))
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func aKeyThatComesBackIsCurrentAgain() async throws {
        for (time, key) in [(10, 1), (20, 2), (30, 1)] as [(Int64, UInt8)] { try await show([(bob, key)], at: time) }
        let keys = try #require(try Archive(directory).knownKeys()[bob])
        #expect(keys.map(\.isCurrent) == [true, false] && keys.map(\.isFirst) == [true, false])
        #expect(keys[0].lastSeen.milliseconds == 30)
    }

    /// What the owner restored says nothing about what the server shows.
    @Test func anOwnKeyIsNeitherPinnedNorCurrent() async throws {
        try await restore(alice, 7, at: 5)
        var keys = try #require(try Archive(directory).knownKeys()[alice])
        #expect(keys.map(\.isOwn) == [true] && keys.map(\.isFirst) == [false] && keys.map(\.isCurrent) == [false])
        #expect(keys[0].sighting.source == .own)

        try await show([(alice, 8)], at: 10)
        try await show([(alice, 7)], at: 20)
        keys = try #require(try Archive(directory).knownKeys()[alice])
        #expect(keys.map(\.sighting.keyID) == [keyID(7), keyID(8)])
        #expect(keys.map(\.isOwn) == [true, false] && keys.map(\.isFirst) == [false, true])
        #expect(keys.map(\.isCurrent) == [true, false])
        #expect(keys[0].sighting.source == .server && keys[0].firstSeen.milliseconds == 5)
        #expect(try await Archive(directory).check().isClean)
    }

    @Test func usersAreKeptApart() async throws {
        try await show([(alice, 1), (bob, 2)], at: 10)
        try await show([(alice, 2), (bob, 1), (id("ucarol"), 2)], at: 20)
        let known = try Archive(directory).knownKeys()
        #expect(known.keys.sorted() == [alice, bob, id("ucarol")])
        #expect(known[alice]?.map(\.sighting.keyID) == [keyID(1), keyID(2)])
        #expect(known[bob]?.map(\.sighting.keyID) == [keyID(2), keyID(1)])
        #expect(known[bob]?.map(\.isCurrent) == [false, true])
        #expect(known[id("ucarol")]?.map(\.isFirst) == [true])
        let some = try Archive(directory).knownKeys(of: [bob, id("unobody"), id("ucarol")])
        #expect(some == known.filter { $0.key != alice })
        #expect(try Archive(directory).knownKeys(of: []).isEmpty)
    }

    @Test func withoutSightingsThereAreNoKeys() throws { #expect(try Archive(directory).knownKeys().isEmpty) }

    @Test(arguments: [
        #"{"pubKeys":null}"#, "{}", "[]", #"{"pubKeys":{"\#(id("u"))":null}}"#,
        #"{"pubKeys":{"\#(id("u"))":{"encr":"QUJD","sign":"QUJD"}}}"#,
        #"{"pubKeys":{"short":{"encr":"\#(Base64.standard.encode(point(1)))","sign":"\#(Base64.standard.encode(point(2)))"}}}"#,
        #"{"pubKeys":{"\#(id("u"))":{"encr":"\#(Base64.standard.encode(point(1)))"}}}"#,
    ])
    func whatHasAnotherFormIsNoSighting(_ body: String) throws {
        #expect(try sightings(in: received(Array(body.utf8), .keys, channel: nil)).isEmpty)
    }
}
