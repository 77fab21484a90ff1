import Archive
import DemoServer
import Foundation
import Testing

@testable import Exporter

/// What is asked of the server while it tells what happens, and what is not.
struct FollowQuestionTests {
    private func lists(_ town: Town) -> Int {
        town.server.requests.count { $0.path == "/api/v4/users/me/teams" }
    }

    @Test func theFirstPullIsConnectedBeforeItBeginsAndIsNotDoneAgain() async throws {
        try await Town.with { town in
            town.write(3)
            try await Following.with(town) { following in
                try await Task.sleep(for: .milliseconds(300))
                #expect(town.server.requests.first?.path == "/api/v4/websocket")
                #expect(lists(town) == 1)
                #expect(town.postRequests().count == Set(town.postRequests()).count, "\(town.postRequests())")
                #expect(following.askedCount == 0)
            }
            try await town.expectTruth()
        }
    }

    @Test func whatHappenedBeforeAConnectionThatCameLateIsAskedFor() async throws {
        let isClosed = Box(true)
        try await Town.with(
            interceptor: { isClosed.value && $0.path == "/api/v4/websocket" ? .reset : nil },
            { town in
                town.write(3)
                try await Following.with(town, isAtOnce: true) { following in
                    try await eventually("the pull does not wait for it") { following.isPulled }
                    let post = town.write(1)[0]
                    isClosed.value = false
                    try await eventually("it is there") { try town.states(post) == [.live] }
                    #expect(lists(town) == 2)
                }
                try await town.expectTruth()
            })
    }

    @Test func aServerThatSaysNothingKeepsNoPullFromBeginning() async throws {
        try await Town.with { town in
            town.write(3)
            var pace = FollowPace.eager
            pace.attempt = 0.1
            let door = try await FrontDoor(to: try town.port, refusal: { 0 })
            let directory = try town.directory()
            let address = try ServerAddress("http://127.0.0.1:\(door.port)")
            try Session(address: address, userID: town.alice, username: "alice", token: town.token).save(in: directory)
            try await Following.with(town, pace: pace, isAtOnce: true) { following in
                try await eventually("it has pulled") { following.isPulled }
                #expect(!following.isConnected)
            }
            try await town.expectTruth()
            await door.close()
        }
    }

    @Test func whatAPullDidNotGetIsAskedForAgain() async throws {
        let failures = Box(2)
        try await Town.with(
            interceptor: { request in
                guard request.isAboutPosts,
                    failures.change({
                        $0 -= 1
                        return $0 >= 0
                    })
                else { return nil }
                return .status(500)
            },
            { town in
                let post = town.write(1)[0]
                let patience = Patience(attempts: 2, firstDelay: 0, longestDelay: 0, longestRequestedDelay: 0)
                try await Following.with(town, patience: patience) { following in
                    try await eventually("it is there") { try town.states(post) == [.live] }
                    #expect(lists(town) == 1)
                }
                try await town.expectTruth()
            })
    }

    @Test func thirtyDeletionsAreAskedForInAFewQuestions() async throws {
        try await Town.with { town in
            let posts = town.write(30)
            var pace = FollowPace.eager
            pace.rest = 1
            try await Following.with(town, pace: pace) { _ in
                let before = town.postRequests().count
                let start = ContinuousClock.now
                for post in posts {
                    town.world.delete(post)
                    try await Task.sleep(for: .milliseconds(40))
                }
                try await eventually("all tombstones are there") {
                    try posts.allSatisfy { try town.states($0) == [.earlier, .deleted] }
                }
                let seconds = Double((ContinuousClock.now - start).components.seconds) + 1
                #expect(town.postRequests().count - before <= 1 + Int(seconds / pace.rest))
            }
            try await town.expectTruth()
        }
    }

    @Test func aTombstoneThatWasNotAskedForYetComesWithTheNextPull() async throws {
        try await Town.with { town in
            let posts = town.write(2)
            var pace = FollowPace.eager
            pace.rest = 3600
            try await Following.with(town, pace: pace) { _ in
                for post in posts {
                    town.world.delete(post)
                    try await eventually("its event is there") { try town.versions(post).count > 1 || post == posts[1] }
                }
                try await eventually("the first is deleted") { try town.states(posts[0]).last == .deleted }
                try await Task.sleep(for: .milliseconds(200))
                #expect(try town.states(posts[1]).last == .live)
            }
            try await town.pullAll()
            try await town.expectTruth()
            #expect(try town.states(posts[1]).last == .deleted)
        }
    }

    @Test func aQuestionThatIsYetToBeAskedCoversWhatWasToldBefore() async throws {
        let isHeld = Box(true)
        try await Town.with(
            interceptor: { request in
                guard request.path.hasSuffix("/members") else { return nil }
                return .hold { while isHeld.value, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) } }
            },
            { town in
                let posts = town.write(5)
                try await Following.with(town, isAtOnce: true) { following in
                    try await eventually("members are asked for") {
                        following.isConnected && town.server.requests.contains { $0.path.hasSuffix("/members") }
                    }
                    for post in posts.dropFirst() {
                        town.world.delete(post)
                        try await Task.sleep(for: .milliseconds(50))
                    }
                    isHeld.value = false
                    try await eventually("the tombstones are there") {
                        try posts.dropFirst().allSatisfy { try town.states($0).last == .deleted }
                    }
                    try await following.caughtUp()
                    try await Task.sleep(for: .milliseconds(200))
                    #expect(town.postRequests().count { $0.contains("since=") } == 1)
                }
                try await town.expectTruth()
            })
    }

    @Test func aFileOfANewPostIsFetchedWithoutAQuestionForPosts() async throws {
        try await Town.with { town in
            try await Following.with(town) { _ in
                let before = town.postRequests().count
                let file = Attachment(name: "plan.txt", content: Array("plan".utf8))
                town.world.post(in: town.channel, by: town.bob, message: "a file", files: [file])
                try await eventually("the file is there") {
                    try town.archive().namedFiles().count { $0.record?.content != nil } == 1
                }
                #expect(town.postRequests().count == before)
            }
            try await town.expectTruth()
        }
    }
}
