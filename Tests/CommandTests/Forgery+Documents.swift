/// Of the documents, the chain, the keys, the decisions, the findings and the files.
extension Forgery {
    static let ofDocuments = [
        Forgery(
            "a document's body", "it is not the body that its record states",
            "change(body(b'coffee machine'), b'coffee machine', b'toffee machine')"),
        Forgery(
            "a document and its record", "it is not the record that stands in chain.txt",
            "change(body(b'coffee machine'), b'coffee machine', b'toffee machine'); rehash(body(b'toffee machine'))"),
        Forgery(
            "a document, its record and the chain's", "does not name the hash of the one before it",
            """
            name = body(b'coffee machine'); old = open('out/' + name.replace('body', 'record'), 'rb').read()
            change(name, b'coffee machine', b'toffee machine'); rehash(name)
            change('chain.txt', old, open('out/' + name.replace('body', 'record'), 'rb').read())
            """),
        Forgery(
            "the chain's end is missing", "another head",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[:-11])"),
        Forgery(
            "two records swapped", "has no valid record",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[11:22] + d[:11] + d[22:])"
        ),
        Forgery(
            "a key", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'][0]['sign'] = k['users'][1]['keys'][0]['sign']; store('keys.json', k)"
        ),
        Forgery(
            "whose a key is", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'], k['users'][1]['keys'] = k['users'][1]['keys'], k['users'][0]['keys']; store('keys.json', k)"
        ),
        Forgery(
            "since when a key is known", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'][0]['first_seen'] = '2020-01-01T00:00:00.000Z'; store('keys.json', k)"
        ),
        Forgery(
            "a decision", "are not those that the documents state",
            """
            k = load('keys.json'); key = k['users'][0]['keys'][0]
            store('trust.json', [{'at': '2025-01-01T00:00:00.000Z', 'username': 'x', 'statement': {'user_id':
              k['users'][0]['user_id'], 'decision': 'confirmed', 'decided': '2025-01-01T00:00:00.000Z', 'key_id': key['key_id'], 'sign': key['sign'], 'encr': key['encr']}}])
            """),
        Forgery("the report", "report.html: it is not what", "change('report.html', b'signatureInvalid', b'verified')"),
        Forgery("the report as Markdown", "report.md: it is not what", "change('report.md', b'withheld', b'verified')"),
        Forgery(
            "a channel's file", "town-square.md: it is not what",
            "change('posts/markdown/harbour/town-square.md', b'coffee', b'toffee')"),
        Forgery(
            "a mailbox", "town-square.mbox: it is not what",
            "change('posts/mbox/harbour/town-square.mbox', b'coffee', b'toffee')"),
        Forgery("the README", "README.txt: it is not what", "change('README.txt', b'messages', b'massages')"),
        Forgery(
            "an attached file", "is missing, or another one",
            "[change(n, b'the plan', b'thy plan') for n in names() if n.endswith('-plan.txt')]"),
        Forgery(
            "a file more", "nothing in the package accounts for it", "open('out/more.txt', 'w').write('believe me')"),
        Forgery(
            "a file of posts is missing", "it is missing", "os.remove('out/posts/markdown/harbour/release.md')"),
        Forgery(
            "other keys were at hand", "which key opens it is not as",
            "k = load('keys.json'); k['own'] = k['own'][:1]; store('keys.json', k)"),
        Forgery(
            "a key that the owner restored", "are not those that the documents show",
            "k = load('keys.json'); k['users'][0]['keys'][0]['is_own'] ^= True; store('keys.json', k)"),
        Forgery(
            "a key is left out", "are not those that the documents show",
            "k = load('keys.json'); del k['users'][0]['keys'][0]; store('keys.json', k)"),
        Forgery(
            "a person's keys are left out", "it leaves out what the documents tell of the keys",
            "k = load('keys.json'); k['users'] = [u for u in k['users'] if u['username'] != 'bob']; store('keys.json', k)"
        ),
        Forgery(
            "a name beside keys", "keys.json: it is not what",
            "k = load('keys.json'); k['users'][0]['username'] = 'mallory'; store('keys.json', k)"),
        Forgery(
            "whose archive it is, in the keys", "the account is not the one of document 1",
            "k = load('keys.json'); k['owner_id'] = next(u['user_id'] for u in k['users'] if u['username'] == 'bob'); store('keys.json', k)"
        ),
        Forgery(
            "two files exchanged", "is missing, or another one",
            """
            a, b = [n for n in names() if n.startswith('files/')]
            os.rename('out/' + a, 'out/x'); os.rename('out/' + b, 'out/' + a); os.rename('out/x', 'out/' + b)
            """),
        Forgery(
            "a file more among the files", "nothing in the package accounts for it",
            "open('out/files/contract.txt', 'w').write('signed')"),
        Forgery(
            "a document more", "nothing in the package accounts for it",
            "[open('out/documents/9999.' + e, 'w').write('[]') for e in ('body', 'record')]"),
        Forgery(
            "a signer who signed nothing", "signer.asc: nothing in the package accounts for it",
            "open('out/signer.asc', 'w').write('-----BEGIN PGP PUBLIC KEY BLOCK-----')"),
        Forgery(
            "a record beside the chain", "it is not the record that stands in chain.txt",
            "n = [n for n in names() if n.endswith('.record')][0]; change(n, b'received 20', b'received 19')"),
        Forgery(
            "the chain's last line end", "it is not written as mmvault writes it",
            "d = open('out/chain.txt').read(); open('out/chain.txt', 'w').write(d[:-1])"),
        Forgery(
            "something behind the chain", "has no valid record",
            "open('out/chain.txt', 'a').write('believe me\\n')"),
        Forgery(
            "a finding that the report does not tell", "it is not what",
            "open('out/findings.jsonl', 'w').write('')"),
        Forgery(
            "what is no finding", "a line of it is no finding",
            "open('out/findings.jsonl', 'a').write('{}\\n')"),
        Forgery(
            "a script in the report", "report.html: it is not what",
            "change('report.html', b'</body>', b'<script>alert(1)</script></body>')"),
        Forgery(
            "the threat model", "threat-model.md: it is not what", "change('threat-model.md', b'not', b'now')"),
        Forgery("no threat model", "threat-model.md: it is missing", "os.remove('out/threat-model.md')"),
        Forgery("no README", "README.txt: it is missing", "os.remove('out/README.txt')"),
        Forgery(
            "a channel's file more", "nothing in the package accounts for it",
            "open('out/posts/markdown/harbour/bribes.md', 'w').write('# Bribes')"),
        Forgery(
            "that it was never whole", "the export was interrupted", "open('out/INCOMPLETE', 'w').write('')"),
    ]
}
