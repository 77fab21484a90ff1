import Bytes

/// SplitMix64: the same numbers for the same seed.
struct ForgersDice: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int.random(in: 0..<max(count, 1), using: &self) }
}

/// A random change of a package, which is held in memory: the bytes of its files by name.
struct RandomForgery {
    private(set) var files: [String: [UInt8]]
    /// What was done, for whoever looks into it.
    private(set) var done = ""
    private var dice: ForgersDice

    /// Files whose lines are JSON.
    private static let lineFiles = ["posts/posts.jsonl", "verdicts.jsonl", "findings.jsonl"]
    private static let jsonFiles = ["manifest.json", "keys.json", "trust.json"]

    init(_ files: [String: [UInt8]], seed: UInt64) {
        (self.files, dice) = (files, ForgersDice(seed: seed))
        switch dice.below(12) {
        case 0, 1: changeByte()
        case 2: changeLines()
        case 3: changeMembership()
        case 4, 5: changeJSON(in: ["posts/posts.jsonl", "verdicts.jsonl"])
        case 6: changeBoth()
        case 7: changeJSON(in: ["findings.jsonl", "trust.json"])
        case 8: changeJSON(in: ["keys.json"])
        default: changeJSON(in: ["manifest.json"])
        }
    }

    /// Whether the forger makes the report and all that is made of the posts anew, too.
    var makesAllAnew: Bool {
        var dice = dice
        return dice.below(3) > 0
    }

    /// Whether the forger leaves `SHA256SUMS` as it is.
    var leavesHashes: Bool {
        var dice = dice
        return dice.below(12) == 0
    }

    // MARK: Bytes and lines

    private mutating func pick(_ names: [String]) -> String { names[dice.below(names.count)] }

    private mutating func changeByte() {
        let name = pick(files.keys.sorted())
        guard var bytes = files[name], !bytes.isEmpty else { return }
        let place = dice.below(bytes.count)
        switch dice.below(4) {
        case 0: bytes[place] ^= 1 << UInt8(dice.below(8))
        case 1: bytes[place] = UInt8(dice.below(256))
        case 2: bytes.remove(at: place)
        default: bytes.insert(bytes[dice.below(bytes.count)], at: place)
        }
        files[name] = bytes
        done = "a byte of \(name) at \(place)"
    }

    private func lines(_ name: String) -> [ArraySlice<UInt8>] {
        guard let bytes = files[name] else { return [] }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }

    private mutating func store(_ lines: [some Collection<UInt8>], _ name: String) {
        files[name] = lines.flatMap { Array($0) + [UInt8(ascii: "\n")] }
    }

    /// Lines are swapped, left out, doubled or moved; those of posts together with their verdicts, more often than not.
    private mutating func changeLines() {
        let name = pick(files.keys.sorted() + Self.lineFiles + Self.lineFiles + ["chain.txt", "chain.txt"])
        // What is said of one record of the chain stands in eleven lines.
        let size = name == "chain.txt" && dice.below(2) == 0 ? 11 : 1
        let names =
            Self.lineFiles.prefix(2).contains(name) && dice.below(4) > 0 ? Array(Self.lineFiles.prefix(2)) : [name]
        let count = lines(name).count / size
        guard count > 0 else { return }
        let (kind, one, other) = (dice.below(4), dice.below(count), dice.below(count))
        for name in names {
            let all = lines(name)
            var groups = stride(from: 0, to: all.count, by: size).map { Array(all[$0..<min($0 + size, all.count)]) }
            guard max(one, other) < groups.count else { continue }
            switch kind {
            case 0: groups.swapAt(one, other)
            case 1: groups.remove(at: one)
            case 2: groups.insert(groups[one], at: other)
            default:
                let moved = groups.remove(at: one)
                groups.insert(moved, at: min(other, groups.count))
            }
            store(groups.flatMap { $0 }, name)
        }
        done = "lines \(one) and \(other) of \(names) (\(["swapped", "left out", "doubled", "moved"][kind]))"
    }

    /// Files come, go, and take each other's place.
    private mutating func changeMembership() {
        let names = files.keys.sorted()
        let (one, other) = (pick(names), pick(names))
        switch dice.below(5) {
        case 0:
            files[one] = nil
            done = "\(one) is left out"
        case 1:
            let folder = pick(["", "files/", "documents/", "posts/markdown/harbour/", "posts/"])
            let name =
                folder + pick(["more.txt", "99.body", "bribes.md", "SHA256SUMS.bak", "signer.asc", "INCOMPLETE"])
            files[name] = files[other]
            done = "\(name) is new"
        case 2:
            (files[one], files[other]) = (files[other], files[one])
            done = "\(one) and \(other) are exchanged"
        case 3:
            files[one] = files[other]
            done = "\(one) is another \(other)"
        default:
            // A document of the package, with its record and the manifest's words about it, is left out or there twice.
            changeDocuments()
        }
    }

    private mutating func changeDocuments() {
        guard let manifest = files["manifest.json"], let root = try? JSONDocument(manifest).root,
            let all = root["documents"]?.elements, !all.isEmpty
        else { return }
        let place = dice.below(all.count)
        let number = all[place]["document"]?.int ?? 0
        files["documents/\(number).body"] = nil
        files["documents/\(number).record"] = nil
        remove(all.map(\.range), place, of: "manifest.json")
        done = "document \(number) is left out"
    }

    // MARK: JSON

    /// One value of a JSON text, where it stands, and where its neighbours do.
    private struct Node {
        let path: String
        let value: JSONValue
        /// The ranges of the values, with their names, beside it.
        let siblings: [Range<Int>]
        let place: Int
    }

    private static func nodes(_ root: JSONValue) -> [Node] {
        var nodes: [Node] = []
        var waiting: [(String, JSONValue)] = [("", root)]
        while let (path, value) = waiting.popLast() {
            switch value.kind {
            case .object:
                let members = value.members
                // A name stands in quotes, with a colon behind it.
                let ranges = members.map {
                    $0.value.range.lowerBound - $0.key.utf8.count - 3..<$0.value.range.upperBound
                }
                for (place, member) in members.enumerated() {
                    nodes.append(
                        Node(path: "\(path).\(member.key)", value: member.value, siblings: ranges, place: place))
                    waiting.append(("\(path).\(member.key)", member.value))
                }
            case .array:
                let elements = value.elements
                for (place, element) in elements.enumerated() {
                    nodes.append(
                        Node(path: "\(path)[]", value: element, siblings: elements.map(\.range), place: place))
                    waiting.append(("\(path)[]", element))
                }
            default: break
            }
        }
        return nodes
    }

    private mutating func changeJSON(in names: [String]) {
        let name = pick(names)
        let isLines = Self.lineFiles.contains(name)
        let all = lines(name)
        guard !all.isEmpty else { return }
        let line = isLines ? dice.below(all.count) : 0
        guard let changed = changedText(isLines ? Array(all[line]) : files[name] ?? [], name) else { return }
        guard isLines else {
            files[name] = changed
            return
        }
        var lines = all.map { Array($0) }
        lines[line] = changed
        store(lines, name)
        done += ", line \(line)"
    }

    private mutating func changedText(_ text: [UInt8], _ name: String) -> [UInt8]? {
        guard let root = try? JSONDocument(text).root else { return nil }
        let nodes = Self.nodes(root)
        guard !nodes.isEmpty else { return nil }
        let node = nodes[dice.below(nodes.count)]
        // What stands elsewhere under the same name is plausible.
        let likes = nodes.filter { $0.path == node.path }
        var result = text
        let own = node.siblings[node.place]
        let kind = dice.below(10)
        switch kind {
        case 0:
            done = "\(name)\(node.path) is left out"
            result.removeSubrange(Self.span(node.siblings, node.place))
        case 1:
            done = "\(name)\(node.path) is doubled"
            result.insert(contentsOf: Array(text[own]) + [UInt8(ascii: ",")], at: own.lowerBound)
        case 2:
            let other = node.siblings[dice.below(node.siblings.count)]
            guard other != own else { return nil }
            let (first, second) = own.lowerBound < other.lowerBound ? (own, other) : (other, own)
            result.replaceSubrange(second, with: text[first])
            result.replaceSubrange(first, with: text[second])
            done = "\(name)\(node.path) and a neighbour are swapped"
        case 3...5 where likes.count > 1:
            let other = likes[dice.below(likes.count)].value
            result.replaceSubrange(node.value.range, with: text[other.range])
            done = "\(name)\(node.path) is as another one: \(String(decoding: text[other.range], as: UTF8.self))"
        default:
            let other = Array(plausible(node.value).utf8)
            result.replaceSubrange(node.value.range, with: other)
            done = "\(name)\(node.path) is \(String(decoding: other, as: UTF8.self))"
        }
        return result
    }

    private mutating func plausible(_ value: JSONValue) -> String {
        switch value.kind {
        case .null: return ["1", "\"x\"", "true", "[]", "{}"][dice.below(5)]
        case .true: return "false"
        case .false: return "true"
        case .number:
            let number = value.int ?? 0
            return ["\(number + 1)", "\(number - 1)", "0", "\(number + 86_400_000)", "null"][dice.below(5)]
        case .array: return dice.below(2) == 0 ? "[]" : "null"
        case .object: return dice.below(2) == 0 ? "{}" : "null"
        case .string:
            let text = Array(value.bytes.dropFirst().dropLast())
            guard let place = text.indices.randomElement(using: &dice), dice.below(4) > 0 else {
                return ["\"\"", "null", "\"verified\"", "\"live\""][dice.below(4)]
            }
            var other = text
            other[place] = other[place] == UInt8(ascii: "a") ? UInt8(ascii: "b") : UInt8(ascii: "a")
            let changed = "\"\(String(decoding: other, as: UTF8.self))\""
            return (try? JSONDocument(Array(changed.utf8))) == nil ? "\"a\"" : changed
        }
    }

    /// A line of the posts, and what its verdict says of the same: a forger changes both.
    private mutating func changeBoth() {
        let names = Self.lineFiles.prefix(2)
        let all = names.map { lines($0).map { Array($0) } }
        guard !all[0].isEmpty, all[0].count == all[1].count else { return }
        let line = dice.below(all[0].count)
        guard let roots = try? all.map({ try JSONDocument($0[line]).root }) else { return }
        let shared = roots[0].members.map(\.key).filter { key in roots[1].members.contains { $0.key == key } }
        let key = pick(shared)
        guard let old = roots[0].members.first(where: { $0.key == key })?.value else { return }
        let others = all[0].compactMap { line in
            (try? JSONDocument(line).root)?.members.first { $0.key == key }.map {
                String(decoding: $0.value.bytes, as: UTF8.self)
            }
        }
        let new = dice.below(3) > 0 ? others[dice.below(others.count)] : plausible(old)
        for (file, name) in names.enumerated() {
            var lines = all[file]
            guard let value = roots[file].members.first(where: { $0.key == key })?.value else { continue }
            lines[line].replaceSubrange(value.range, with: Array(new.utf8))
            store(lines, name)
        }
        done = "\(key) of line \(line) of the posts and of the verdicts is \(new)"
    }

    private mutating func remove(_ ranges: [Range<Int>], _ place: Int, of name: String) {
        files[name]?.removeSubrange(Self.span(ranges, place))
    }

    /// A value with the comma that goes with it.
    private static func span(_ ranges: [Range<Int>], _ place: Int) -> Range<Int> {
        if place + 1 < ranges.count { return ranges[place].lowerBound..<ranges[place + 1].lowerBound }
        return (place > 0 ? ranges[place - 1].upperBound : ranges[place].lowerBound)..<ranges[place].upperBound
    }
}
