/// Wakes up who waits for it: once, however often it rang meanwhile.
struct Bell: Sendable {
    let rings: AsyncStream<Void>
    private let sound: AsyncStream<Void>.Continuation

    init() { (rings, sound) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    func ring() { sound.yield() }
}
