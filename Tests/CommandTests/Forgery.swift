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

    static let all = [
        Forgery(
            "a verdict", "verdict: authenticity",
            "lines('verdicts.jsonl', lambda v: v['authenticity'] == 'signatureInvalid', authenticity='verified')"),
        Forgery(
            "a verdict in the posts", "authenticity",
            "lines('posts/posts.jsonl', lambda v: v['authenticity'] == 'signatureInvalid', authenticity='verified')"),
        Forgery(
            "the text of a plain post", "(text)",
            "lines('posts/posts.jsonl', lambda p: p['content'] == 'plain', text='I never said that')"),
        Forgery(
            "the text of an encrypted post", "(text)",
            "lines('posts/posts.jsonl', lambda p: p['text'] == 'I know.', text='I own it')"),
        Forgery(
            "an author", "user_id",
            "lines('posts/posts.jsonl', lambda p: p['content'] == 'decrypted', user_id='x' * 26)"),
        Forgery("a time", "create_at", "lines('posts/posts.jsonl', lambda p: True, create_at=1741000000001)"),
        Forgery("a channel", "channel_id", "lines('posts/posts.jsonl', lambda p: True, channel_id='x' * 26)"),
        Forgery(
            "another key, and with it another text", "does not open it",
            """
            lines('verdicts.jsonl', lambda v: v['key_encryption_key'], key_encryption_key='0' * 32)
            lines('posts/posts.jsonl', lambda p: p['content'] == 'decrypted' and p['text'], text='No.')
            """),
        Forgery(
            "no key of a message", "the key that opens it is missing",
            "lines('verdicts.jsonl', lambda v: v['key_encryption_key'], key_encryption_key=None)"),
        Forgery(
            "a place", "no post stands there", "lines('verdicts.jsonl', lambda v: True, start=0)"),
        Forgery(
            "a deletion", "it is not live as the document has it",
            "lines('verdicts.jsonl', lambda v: v['state'] == 'deleted', state='live')"),
        Forgery(
            "a post is left out", "another number of posts was chosen",
            "[drop(name, 0) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
        Forgery(
            "a post is left out, and counted as one that was not chosen", "is left out",
            """
            v = [json.loads(l) for l in open('out/verdicts.jsonl')]
            ids = [x['id'] for x in v]; place = next(i for i, x in enumerate(v) if x['state'] == 'live' and ids.count(x['id']) == 1)
            document = v[place]['document']; [drop(name, place) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]
            m = load('manifest.json')
            for d in m['documents']:
                if d['document'] == document: d['chosen'] -= 1
            m['discloses']['posts'] += 1; store('manifest.json', m)
            """),
        Forgery(
            "a choice that is narrower than what is shown", "not of the people and times",
            "m = load('manifest.json'); m['chosen']['user_ids'] = ['x' * 26]; store('manifest.json', m)"),
        Forgery(
            "two posts of a thread in another order", "where its thread and its time",
            """
            rows = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            i = next(i for i, (a, b) in enumerate(zip(rows, rows[1:])) if a['channel_id'] == b['channel_id'] and a['id'] != b['id']
                     and a['state'] == b['state'] == 'live' and not a['root_id'] and not b['root_id'])
            for name in ('posts/posts.jsonl', 'verdicts.jsonl'):
                l = open('out/' + name).readlines(); l[i], l[i + 1] = l[i + 1], l[i]; open('out/' + name, 'w').writelines(l)
            """),
        Forgery(
            "up to when a post is shown to be so", "as_of",
            "lines('verdicts.jsonl', lambda v: v['as_of'], as_of=1)"),
        Forgery(
            "a file that is said to have gone from the server", "another reason than its record states",
            """
            rows = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            for row in rows:
                for f in row['files']:
                    f.pop('sha256', None); f.pop('path', None); f['missing'] = 'the server has it no longer'
            open('out/posts/posts.jsonl', 'w').writelines(dump(row) + '\\n' for row in rows)
            [os.remove('out/' + n) for n in names() if n.startswith('files/')]
            """),
        Forgery(
            "what is disclosed", "something else of what the documents disclose",
            "m = load('manifest.json'); m['discloses']['posts'] += 1; store('manifest.json', m)"),
        Forgery(
            "a verdict is left out", "it cannot be read, or its line", "drop('verdicts.jsonl', -1)"),
        Forgery(
            "posts in another order", "another one|out of their order|mmvault makes from",
            "[reverse(name) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
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
            "the head", "another head than manifest.json states",
            "m = load('manifest.json'); m['archive']['head'] = '0' * 64; store('manifest.json', m)"),
        Forgery(
            "the chain's end is missing", "another head",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[:-11])"),
        Forgery(
            "two records swapped", "has no valid record",
            "d = open('out/chain.txt').read().splitlines(True); open('out/chain.txt', 'w').writelines(d[11:22] + d[:11] + d[22:])"
        ),
        Forgery(
            "a document about keys is left out", "(keys) belongs in every package, and is not in this one",
            """
            m = load('manifest.json')
            for d in [d for d in m['documents'] if b'\\nkind keys\\n' in open('out/documents/%d.record' % d['document'], 'rb').read()]:
                m['documents'].remove(d)
                for ending in ('record', 'body'): os.remove('out/documents/%d.%s' % (d['document'], ending))
            store('manifest.json', m)
            """),
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
        Forgery(
            "a name", "is not described so",
            "m = load('manifest.json'); [u.update(first_name='Mallory') for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "a name that no document is said to give", "is described differently in document",
            "m = load('manifest.json'); [u.update(username='mallory', first_name='Mallory', document=None) for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "a name of an earlier time", "is described differently in document",
            "m = load('manifest.json'); first = min(d['document'] for d in m['documents'] if d['kind'] == 'users'); [u.update(first_name='Bob', document=first) for u in m['users'] if u['username'] == 'bob']; store('manifest.json', m)"
        ),
        Forgery(
            "nobody is named", "it leaves out how the documents describe user",
            "m = load('manifest.json'); m['users'] = []; store('manifest.json', m)"),
        Forgery(
            "a document that describes users is left out", "(users) belongs in every package",
            """
            m = load('manifest.json')
            for d in [d for d in m['documents'] if d['kind'] == 'users']:
                m['documents'].remove(d)
                for ending in ('record', 'body'): os.remove('out/documents/%d.%s' % (d['document'], ending))
            m['users'] = []; store('manifest.json', m)
            """),
        Forgery(
            "the account", "the account is not the one of document 1",
            "m = load('manifest.json'); m['account']['username'] = 'mallory'; store('manifest.json', m)"),
        Forgery(
            "a channel that is said to hold no encrypted posts", "says that no post of its channel is",
            "m = load('manifest.json'); [c.update(has_encrypted_posts=False) for c in m['channels']]; store('manifest.json', m)"
        ),
        Forgery(
            "counts", "mmvault makes from",
            "m = load('manifest.json'); m['counts']['withheld'] = 0; store('manifest.json', m)"),
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
            "an attached file and its hash", "is not the one that the archive recorded",
            """
            n = next(n for n in names() if n.endswith('-plan.txt')); change(n, b'the plan', b'thy plan')
            p = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            for post in p:
                for f in post['files']:
                    if f['name'] == 'plan.txt': f['sha256'] = hashlib.sha256(open('out/' + n, 'rb').read()).hexdigest()
            open('out/posts/posts.jsonl', 'w').writelines(json.dumps(x, separators=(',', ':'), ensure_ascii=False) + '\\n' for x in p)
            """),
        Forgery(
            "a file more", "nothing in the package accounts for it", "open('out/more.txt', 'w').write('believe me')"),
        Forgery(
            "a file of posts is missing", "it is missing", "os.remove('out/posts/markdown/harbour/release.md')"),
        Forgery(
            "other documents are said to be there", "it has no place in the chain",
            "m = load('manifest.json'); m['documents'][0]['document'] = 9999; store('manifest.json', m)"),
        Forgery(
            "what a document discloses", "says something else of document",
            "m = load('manifest.json'); [d.update(posts=d['posts'] + 1) for d in m['documents'] if d['posts']]; store('manifest.json', m)"
        ),
        Forgery(
            "whose key signed it", "verdict: key_id",
            "lines('verdicts.jsonl', lambda v: v['key_id'], key_id='0' * 64)"),
        Forgery(
            "who signed it", "verdict: signer_id",
            "lines('verdicts.jsonl', lambda v: v['signer_id'], signer_id='0' * 64)"),
        Forgery(
            "why it does not verify", "verdict: reason",
            "lines('verdicts.jsonl', lambda v: v['authenticity'] == 'signatureInvalid', reason='')"),
        Forgery(
            "a suspicion that the document shows", "suspicions",
            "both(lambda v: 'editedInTheClear' in v['suspicions'], suspicions=[])"),
        Forgery(
            "a suspicion that the document does not show", "suspicions",
            "both(lambda v: v['text'] == 'I know.', suspicions=['implausibleTime'])"),
        Forgery(
            "a place of two versions in the order of arrival", "another version has its place",
            "lines('verdicts.jsonl', lambda v: v['version'] > 1, version=1)"),
        Forgery(
            "a place in the order of arrival", "not in the order in which their documents came",
            "lines('verdicts.jsonl', lambda v: v['version'] == 1, version=9999)"),
        Forgery(
            "a length", "no post stands there in document",
            "v = next(json.loads(l) for l in open('out/verdicts.jsonl')); lines('verdicts.jsonl', lambda x: True, length=v['length'] - 1)"
        ),
        Forgery(
            "another document", "no post stands there in document",
            "lines('verdicts.jsonl', lambda v: True, document=1)"),
        Forgery(
            "a text that is said to be for keys not at hand", "which key opens it is not as",
            """
            both(lambda v: v['text'] == 'I know.', content='notForUs', text=None, opened_by=None, key_encryption_key=None,
                 reason='encrypted for 2 keys that are not at hand')
            """),
        Forgery(
            "a text whose key is said to be damaged", "which key opens it is not as",
            "both(lambda v: v['text'] == 'I know.', content='keyUnwrapFailed', text=None, opened_by='0' * 64, key_encryption_key=None)"
        ),
        Forgery(
            "no key was at hand", "whether private keys were at hand",
            "m = load('manifest.json'); m['has_keys'] = False; store('manifest.json', m)"),
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
            "a post twice", "it stands there twice",
            "[doubled(name, 0) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
        Forgery(
            "a verdict too many", "it has more lines", "doubled('verdicts.jsonl', -1)"),
        Forgery(
            "what a post said before, in another order", "where its thread and its time",
            """
            rows = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            i = 1 + next(i for i, r in enumerate(rows) if r['text'] == 'I will pay nothing')
            assert rows[i]['state'] == rows[i + 1]['state'] == 'revision'
            for name in ('posts/posts.jsonl', 'verdicts.jsonl'):
                l = open('out/' + name).readlines(); l[i], l[i + 1] = l[i + 1], l[i]; open('out/' + name, 'w').writelines(l)
            """),
        Forgery(
            "an old revision as the last word", "it is not live as the document has it",
            "both(lambda p: p['state'] == 'revision', state='live')"),
        Forgery(
            "an old revision is left out, and not counted among the chosen ones", "what it says in document",
            """
            m = load('manifest.json'); V = [json.loads(l) for l in open('out/verdicts.jsonl')]
            i = next(i for i, v in enumerate(V) if v['state'] in ('revision', 'earlier'))
            for d in m['documents']: d['chosen'] -= d['document'] == V[i]['document']
            store('manifest.json', m)
            for name in ('posts/posts.jsonl', 'verdicts.jsonl'):
                kept = open('out/' + name).readlines(); del kept[i]; open('out/' + name, 'w').write(''.join(kept))
            """),
        Forgery(
            "another time than was asked for", "what was asked for is not what it says was chosen",
            """
            m = load('manifest.json'); m['asked'] = [{'name': 'since', 'value': '2020-01-01'}]
            m['chosen']['since'] = 1577836800001; store('manifest.json', m)
            """),
        Forgery(
            "an old revision is left out", "is left out|another number of posts was chosen",
            """
            rows = [json.loads(l) for l in open('out/posts/posts.jsonl')]
            i = next(i for i, r in enumerate(rows) if r['state'] == 'revision')
            [drop(name, i) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]
            """),
        Forgery(
            "a reaction", "reactions",
            "lines('posts/posts.jsonl', lambda p: p['text'] == 'I know.', reactions=[{'emoji': '+1', 'user_ids': ['x' * 26]}])"
        ),
        Forgery("a pin", "is_pinned", "lines('posts/posts.jsonl', lambda p: p['is_pinned'], is_pinned=False)"),
        Forgery(
            "an edit in the clear", "clear_edit",
            "lines('posts/posts.jsonl', lambda p: 'clear_edit' in p, clear_edit={'at': 1, 'text': None})"),
        Forgery(
            "an edit in the clear is left out", "posts/posts.jsonl: it is not what",
            """
            rows = [json.loads(l) for l in open('out/posts/posts.jsonl')]; [r.pop('clear_edit', None) for r in rows]
            open('out/posts/posts.jsonl', 'w').writelines(dump(row) + '\\n' for row in rows)
            """),
        Forgery(
            "a thread", "root_id", "lines('posts/posts.jsonl', lambda p: p['root_id'], root_id='')"),
        Forgery(
            "an import", "posts/posts.jsonl: it is not what",
            "lines('posts/posts.jsonl', lambda p: True, source='import of the court')"),
        Forgery(
            "a post has gone", "no document says that it has gone",
            "lines('posts/posts.jsonl', lambda p: p['text'] == 'I know.', absence={'reason': 'gone', 'since': 1741000000000})"
        ),
        Forgery(
            "a post is back", "no document says that it has gone",
            "lines('posts/posts.jsonl', lambda p: p['absence'], absence={'reason': 'back', 'since': 1741000000000})"),
        Forgery(
            "since when a post has gone", "no document says that it has gone",
            "lines('posts/posts.jsonl', lambda p: p['absence'], absence={'reason': 'gone', 'since': 1741000000000})"),
        Forgery(
            "a file's name", "(files)",
            "lines('posts/posts.jsonl', lambda p: p['files'], files=[dict(f, name='contract.txt') for p in posts() for f in p['files']][:1])"
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
            "no files were to be here", "says that none are here",
            "m = load('manifest.json'); m['includes_files'] = False; m['asked'] = [{'name': 'files', 'value': 'no'}]; store('manifest.json', m)"
        ),
        Forgery(
            "unverified texts were to be here", "what was asked for is not what it says was chosen",
            "m = load('manifest.json'); m['includes_unverified'] = True; store('manifest.json', m)"),
        Forgery(
            "a choice that nobody asked for", "what was asked for is not what it says was chosen",
            "m = load('manifest.json'); m['chosen']['since'] = 1; store('manifest.json', m)"),
        Forgery(
            "a choice that was not made", "what was asked for is not what it says was chosen",
            "m = load('manifest.json'); m['asked'] = [{'name': 'user', 'value': 'bob'}]; store('manifest.json', m)"),
        Forgery(
            "a document is listed twice", "or one is there twice",
            "m = load('manifest.json'); m['documents'].append(m['documents'][-1]); store('manifest.json', m)"),
        Forgery(
            "documents in another order", "not in their order",
            "m = load('manifest.json'); m['documents'].reverse(); store('manifest.json', m)"),
        Forgery(
            "a channel under two names", "it lists a channel twice",
            """
            m = load('manifest.json'); c = next(c for c in m['channels'] if c['name'] == 'release')
            m['channels'].append(dict(c, name='bribes', display_name='Bribes', path='harbour/bribes')); store('manifest.json', m)
            """),
        Forgery(
            "the files of two channels exchanged", "are not called as the channel is",
            """
            m = load('manifest.json'); a, b = [c for c in m['channels'] if c['team_id']]
            a['path'], b['path'] = b['path'], a['path']; store('manifest.json', m)
            """),
        Forgery(
            "a path out of the folder", "it is missing, or cannot be read",
            "m = load('manifest.json'); m['channels'][0]['path'] = '../../x'; store('manifest.json', m)"),
        Forgery(
            "messages that the server is said to hide", "something else is missing than the chain says",
            "m = load('manifest.json'); m['channels'][0].update(hidden_until=1741000000000, gaps=[{'kind': 'hidden', 'until': 1741000000000}]); store('manifest.json', m)"
        ),
        Forgery(
            "old revisions that may be missing", "something else is missing than the chain says",
            "m = load('manifest.json'); m['channels'][0]['may_lack_revisions'] = True; store('manifest.json', m)"),
        Forgery(
            "channels in another order than their posts", "or out of their order",
            "m = load('manifest.json'); m['channels'].reverse(); store('manifest.json', m)"),
        Forgery(
            "a channel is left out", "its channel is not one of those",
            "m = load('manifest.json'); del m['channels'][-1]; store('manifest.json', m)"),
        Forgery(
            "a team of no channel", "no channel here is of team",
            "m = load('manifest.json'); m['teams'].append({'id': 'x' * 26, 'name': 'x', 'display_name': 'X'}); store('manifest.json', m)"
        ),
        Forgery(
            "somebody twice", "users are not in their order, or one is there twice",
            "m = load('manifest.json'); m['users'].append(m['users'][0]); store('manifest.json', m)"),
        Forgery(
            "people in another order", "users are not in their order",
            "m = load('manifest.json'); m['users'].reverse(); store('manifest.json', m)"),
        Forgery(
            "who made an emoji that nobody used", "its emoji are not those that the posts show",
            "m = load('manifest.json'); m['emoji'].append(dict(m['emoji'][0], name='x')); store('manifest.json', m)"),
        Forgery(
            "an emoji is left out", "reactions",
            "m = load('manifest.json'); m['emoji'] = []; store('manifest.json', m)"),
        Forgery(
            "the server", "the account is not the one of document 1",
            "m = load('manifest.json'); m['account']['server'] = 'https://chat.example.org'; store('manifest.json', m)"),
        Forgery(
            "how long the archive is", "another head than manifest.json states",
            "m = load('manifest.json'); m['archive']['documents'] += 1; store('manifest.json', m)"),
        Forgery(
            "a member twice", "manifest.json: it is not what",
            "t = open('out/manifest.json').read(); open('out/manifest.json', 'w').write('{\"program\":\"mmvault 9\",' + t[1:])"
        ),
        Forgery(
            "a member of the forger's own", "manifest.json: it is not what",
            "m = load('manifest.json'); m['confirmed_by'] = 'the court'; store('manifest.json', m)"),
        Forgery(
            "counts of a channel", "manifest.json: it is not what",
            "m = load('manifest.json'); m['channels'][0]['counts']['withheld'] += 1; store('manifest.json', m)"),
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
