/// Of what the manifest says, and of what must agree with it.
extension Forgery {
    static let ofTheManifest = [
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
            "what is disclosed", "something else of what the documents disclose",
            "m = load('manifest.json'); m['discloses']['posts'] += 1; store('manifest.json', m)"),
        Forgery(
            "the head", "another head than manifest.json states",
            "m = load('manifest.json'); m['archive']['head'] = '0' * 64; store('manifest.json', m)"),
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
        Forgery(
            "other documents are said to be there", "it has no place in the chain",
            "m = load('manifest.json'); m['documents'][0]['document'] = 9999; store('manifest.json', m)"),
        Forgery(
            "what a document discloses", "says something else of document",
            "m = load('manifest.json'); [d.update(posts=d['posts'] + 1) for d in m['documents'] if d['posts']]; store('manifest.json', m)"
        ),
        Forgery(
            "no key was at hand", "whether private keys were at hand",
            "m = load('manifest.json'); m['has_keys'] = False; store('manifest.json', m)"),
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
    ]
}
