/// Of the posts and their verdicts.
extension Forgery {
    static let ofPosts = [
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
            "a verdict is left out", "it cannot be read, or its line", "drop('verdicts.jsonl', -1)"),
        Forgery(
            "posts in another order", "another one|out of their order|mmvault makes from",
            "[reverse(name) for name in ('posts/posts.jsonl', 'verdicts.jsonl')]"),
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
    ]
}
