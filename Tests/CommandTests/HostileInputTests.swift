import DemoServer
import E2EE
import Foundation
import TestSupport
import Testing

@testable import mmvault

/// What any member can write to make work long takes no more than its length: of four times as much, every command allocates
/// about four times the bytes, and not sixteen times. Time would depend on the machine; what is allocated does not, and grows with signatures that are
/// checked, rows that are read and texts that are copied.
@Suite(.enabled(if: StockTool.isInstalled("cc"), "needs a C compiler"))
struct HostileInputTests {
    private final class Hostile: Home {
        let folder = Hostile.newFolder()
        let url: String

        init(_ url: String) throws {
            self.url = url
            try furnish()
        }
    }

    /// Counts the bytes that a program asks for, and appends the sum to a file when it ends.
    private static let counter = """
        #include <stdatomic.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>

        void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
        static atomic_ullong total;

        void *malloc(size_t size) { total += size; return __libc_malloc(size); }
        void *calloc(size_t count, size_t size) { total += count * size; return __libc_calloc(count, size); }
        void *realloc(void *old, size_t size) { total += size; return __libc_realloc(old, size); }

        __attribute__((destructor)) static void tell(void) {
            const char *path = getenv("ALLOCATIONS");
            FILE *file = path ? fopen(path, "a") : NULL;
            if (file) { fprintf(file, "%llu\\n", (unsigned long long)total); fclose(file); }
        }
        """

    private static let commands = [
        "pull", "check", "verify $KEYS", "status", "audit", "trust signers", "read hostile --no-pager $KEYS",
        "search common $KEYS", "export markdown md $KEYS", "export mbox mbox $KEYS", "export jsonl jsonl $KEYS",
        "export evidence evidence $KEYS", "check evidence",
    ]

    /// - Returns: how many bytes each command allocates.
    private static func allocations(_ kind: HostileHistory, share: Double) async throws -> [Double] {
        let (world, key, token) = kind.make(share: share, endingAt: Story.start)
        let server = EmbeddedServer(world: world)
        try await server.start()
        let home = try Hostile(server.url)
        do {
            try home.write("counter.c", counter)
            try home.write("token.txt", token)
            try home.write("key.asc", KeyBackup.text(of: key))
            let lines = commands.map {
                "ALLOCATIONS=$HOME/sums LD_PRELOAD=$HOME/counter.so mmvault \($0) >/dev/null </dev/null"
                    + " || [ $? = 2 ] || echo failed: '\($0)' >&2"
            }
            let outcome = try await home.run(
                """
                KEYS='--key key.asc --mine'
                cc -shared -fPIC -O1 -o counter.so counter.c && mmvault login $URL --token-file token.txt >/dev/null &&
                { \(lines.joined(separator: "\n")); cat sums; }
                """)
            #expect(!outcome.errors.contains("failed: "), "\(kind.rawValue): \(outcome.errors)")
            await home.remove()
            await server.stop()
            return outcome.lines.compactMap { Double($0) }
        } catch {
            await home.remove()
            await server.stop()
            throw error
        }
    }

    @Test(arguments: HostileHistory.allCases) func fourTimesAsMuchIsFourTimesTheWork(_ kind: HostileHistory)
        async throws
    {
        let small = try await Self.allocations(kind, share: 0.05)
        let large = try await Self.allocations(kind, share: 0.2)
        #expect(small.count == Self.commands.count && large.count == small.count)
        for (command, (small, large)) in zip(Self.commands, zip(small, large)) {
            #expect(
                large < 8 * small,
                "\(command) of \(kind.rawValue): \(Int(small) >> 20) MiB, and of four times as much \(Int(large) >> 20) MiB"
            )
        }
    }
}
