import DemoServer
import Foundation
import Testing

/// The index holds what can be told from the documents alone, and anybody with the file in hand can change it there. Each
/// column of each table gets another value that it might have, and every command that shows something is run.
@Suite struct IndexForgeryTests {
    /// A column, and how it is changed.
    struct Change: Sendable, CustomStringConvertible {
        let table: String
        let column: String
        let type: String

        var description: String { "\(table).\(column)" }

        /// In the row in the middle of the table: what another row has there, or what is next to it.
        var sql: String {
            let other = "(SELECT o.\(column) FROM \(table) o WHERE o.\(column) IS NOT \(table).\(column) LIMIT 1)"
            let next =
                switch type {
                case "INTEGER": "\(column) + 1"
                case "TEXT": "\(column) || 'x'"
                default: "CAST(\(column) || X'00' AS BLOB)"
                }
            let value =
                column == "seq"
                ? "(SELECT max(seq) + 1 FROM \(table))"
                : ["document", "start", "length"].contains(column) ? next : "coalesce(\(other), \(next))"
            return """
                UPDATE \(table) SET \(column) = \(value)
                WHERE seq = (SELECT seq FROM \(table) ORDER BY seq DESC LIMIT 1 OFFSET (SELECT count(*) / 2 FROM \(table)))
                """
        }
    }

    /// Those that do not check the whole archive whatever was done before; of the others DamageTests tells.
    static let commands = [
        "read release", "search release", "channels", "status", "trust", "key list", "export jsonl out",
    ]

    /// Prints each command behind its exit code.
    private static func script(_ vault: String) -> String {
        """
        \(commands.map { "mmvault \($0) --vault \(vault) >/dev/null 2>&1 </dev/null; echo \"$? \($0)\"" }.joined(separator: "\n"))
        rm -rf out
        """
    }

    @Test func noForgedRowIsShownAsIfNothingWere() async throws {
        // A file, and somebody without a key, so that no table is empty.
        let story = FileCommandTests.story(files: 3, size: 100)
        let dave = story.world.addUser(username: "dave")
        for channel in [story.square, story.release] { story.world.join(dave, channel) }
        try await Stage.with(story: story) { stage in
            try await stage.settle()
            let columns = try await stage.run(
                """
                sqlite3 -separator ' ' vault/localhost_alice/archive.sqlite "SELECT m.name, c.name, c.type
                  FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY 1, c.cid"
                """
            ).output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            #expect(columns.count > 50)
            let honest = try await stage.run(Self.script("vault")).output
            #expect(honest.contains("0 channels") && !honest.contains("4 "), "\(honest)")
            for (number, column) in columns.enumerated() {
                let change = Change(table: column[0], column: column[1], type: column[2])
                let name = "forged\(number)"
                let outcome = try await stage.run(
                    """
                    cp -a vault \(name); mmvault channels --vault \(name) >/dev/null; cd \(name)/localhost_alice
                    sqlite3 archive.sqlite "SELECT sql || ';' FROM sqlite_master WHERE type = 'trigger'" >../guards
                    sqlite3 archive.sqlite "SELECT 'DROP TRIGGER ' || name || ';' FROM sqlite_master WHERE type = 'trigger'" >../drop
                    { echo 'PRAGMA foreign_keys = OFF; BEGIN;'; cat ../drop; echo "\(change.sql); SELECT changes();"
                      cat ../guards; echo 'COMMIT;'; } | sqlite3 -bail archive.sqlite >../changes || cat ../changes
                    cd ../..
                    cat \(name)/changes; rm \(name)/guards \(name)/drop \(name)/changes
                    \(Self.script(name))
                    rm -rf \(name)
                    """)
                let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
                #expect(lines.first == "1", "\(change): \(outcome.everything)")
                for command in Self.commands {
                    let end = lines.first { $0.hasSuffix(" \(command)") } ?? ""
                    #expect(end == "4 \(command)", "\(change): \(end)")
                }
            }
        }
    }
}
