import Testing

/// A change to a package by somebody who knows how it is made.
struct Forgery: Sendable, CustomTestStringConvertible {
    let testDescription: String
    /// What `check` says, without the wrapping of lines.
    let says: String
    /// Python that changes the package; the hashes are made anew behind it.
    let script: String

    init(_ name: String, _ says: String, _ script: String) {
        (testDescription, self.says, self.script) = (name, says, script)
    }

    /// Changes the package in `out`, and makes its list of hashes anew.
    func make(_ stage: Stage) async throws { try await stage.python(Forgery.preamble + script + Forgery.sums) }

    static let all = ofPosts + ofTheManifest + ofDocuments

    private static let preamble = #"""
        import hashlib, json, os, re
        def names(): return sorted(os.path.relpath(os.path.join(d, f), 'out') for d, _, fs in os.walk('out') for f in fs)
        def load(name): return json.load(open('out/' + name))
        def dump(value): return json.dumps(value, separators=(',', ':'), ensure_ascii=False)
        def store(name, value): open('out/' + name, 'w').write(dump(value) + '\n')
        def lines(name, chosen, **change):
            rows = [json.loads(line) for line in open('out/' + name)]
            row = next(row for row in rows if chosen(row)); row.update(change)
            open('out/' + name, 'w').writelines(dump(row) + '\n' for row in rows)
        def posts(): return [json.loads(line) for line in open('out/posts/posts.jsonl')]
        def both(chosen, **change):
            place = next(i for i, post in enumerate(posts()) if chosen(post))
            for name in ('posts/posts.jsonl', 'verdicts.jsonl'):
                rows = [json.loads(line) for line in open('out/' + name)]
                rows[place].update({k: v for k, v in change.items() if k in rows[place]})
                open('out/' + name, 'w').writelines(dump(row) + '\n' for row in rows)
        def doubled(name, place):
            rows = open('out/' + name).readlines(); rows.insert(place, rows[place]); open('out/' + name, 'w').writelines(rows)
        def drop(name, place):
            rows = open('out/' + name).readlines(); del rows[place]; open('out/' + name, 'w').writelines(rows)
        def reverse(name):
            rows = open('out/' + name).readlines(); open('out/' + name, 'w').writelines(reversed(rows))
        def change(name, old, new):
            data = open('out/' + name, 'rb').read(); assert old in data, name
            open('out/' + name, 'wb').write(data.replace(old, new, 1))
        def body(text): return next(n for n in names() if n.endswith('.body') and text in open('out/' + n, 'rb').read())
        def rehash(name):
            digest = hashlib.sha256(open('out/' + name, 'rb').read()).hexdigest(); record = 'out/' + name.replace('body', 'record')
            text = re.sub('(?m)^sha256 .*$', 'sha256 ' + digest, open(record).read()); open(record, 'w').write(text)

        """#

    private static let sums = #"""

        with open('out/SHA256SUMS', 'w') as sums:
            for name in sorted(names(), key=os.fsencode):
                if name != 'SHA256SUMS': sums.write(hashlib.sha256(open('out/' + name, 'rb').read()).hexdigest() + '  ' + name + '\n')

        """#
}
