// Remembered searches against the plain way: whatever is asked, however often, and whatever changes in between.
import { systemClock } from '@gatehouse/daemon/async';
import { type DecodeLimits, decodeRequest, encodeEnvelope, encodeRequest, parseFilter } from '@gatehouse/wire/ldap';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Entry } from '../directory/entry.ts';
import type { Layout } from '../directory/layout.ts';
import type { Selection } from '../directory/selection.ts';
import { StoredView } from '../directory/stored-view.ts';
import { apply, base, build, filtersOf, numRuns, step } from '../testing/random-directory.ts';
import type { OperationContext } from './context.ts';
import { KnownSearch, KnownSearches } from './known-searches.ts';
import { search } from './search.ts';

const limits: DecodeLimits = { maxDepth: 64, maxFilterNodes: 4_096, maxBytes: 65_536 };

const filter = filtersOf(
  fc.constantFrom(
    '(objectClass=*)',
    '(objectClass=group)',
    '(cn=ann1)',
    '(cn=a*)',
    '(memberOf=cn=group 2,ou=groups,dc=ldap,dc=goauthentik,dc=io)',
    '(uidNumber>=2004)',
    '(description=two words)',
    '(nothing=x)',
  ),
);
const request = fc.record({
  op: fc.constant('searchRequest' as const),
  baseObject: fc.constantFrom(base, `ou=users,${base}`, `cn=gg4,ou=users,${base}`, '', 'dc=elsewhere'),
  scope: fc.constantFrom('baseObject' as const, 'singleLevel' as const, 'wholeSubtree' as const),
  derefAliases: fc.constant(0),
  sizeLimit: fc.constantFrom(0, 1, 2),
  timeLimit: fc.constant(0),
  typesOnly: fc.boolean(),
  filter: filter.map(parseFilter),
  attributes: fc.constantFrom([], ['cn'], ['*', '+'], ['member', 'memberOf']),
});

/** Of an operation, everything that goes to the client: octets of messages, then the answer or why there is none. */
async function conversation(op: Parameters<typeof search>[0], layout: Layout) {
  const sent: Buffer[] = [];
  const sink = {
    bytes: Buffer.alloc(0),
    room(size: number) {
      sink.bytes = Buffer.alloc(size);
      sent.push(sink.bytes);
      return 0;
    },
  };
  const output = {
    write: (entry: Entry, selection: Selection) => selection.write(entry, 7, sink),
    writeEncoded: (encoded: Buffer) => void sent.push(encodeEnvelope(7, encoded)),
    flush: () => undefined,
  };
  const context = contextOf(layout, output);
  try {
    return { sent: sent.map(String), answer: await search(op, context), octets: Buffer.concat(sent).toString('hex') };
  } catch (error) {
    return { refused: String(error) };
  }
}

function contextOf(layout: Layout, output: OperationContext['output']): OperationContext {
  const { provider, types, facts } = layout.context;
  const partial: unknown = {
    peer: { identity: { provider, userPk: 1, canSearch: true }, secure: false, serverName: undefined },
    core: {
      providers: () => [provider],
      types,
      facts,
      sharedLayout: () => layout,
      readerFor: () => ({ view: () => new StoredView(layout) }),
    },
    config: {
      ldap: { max_search_time: 60_000, missing_base: 'success', size_limit_result: 'rfc', password_modify: '' },
    },
    controls: [],
    clock: systemClock,
    signal: new AbortController().signal,
    output,
  };
  return partial as OperationContext;
}

describe('searches that were asked before', () => {
  test('are answered as if they never were, whatever has changed meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 20 }),
        fc.array(request, { minLength: 1, maxLength: 4 }),
        fc.array(fc.array(step, { maxLength: 2 }), { maxLength: 4 }),
        async (steps, requests, changes) => {
          const { layout, directory } = build(steps);
          const known = requests.map((one) => new KnownSearch(one));
          for (const change of [[], ...changes]) {
            apply(directory, change);
            for (const [at, one] of requests.entries()) {
              const plain = await conversation(one, layout);
              for (const op of Array.from({ length: 2 }, () => known[at]))
                if (op !== undefined) expect(await conversation(op, layout)).toEqual(plain);
            }
          }
        },
      ),
      { numRuns },
    );
  });

  test('are decoded as if they never were', () =>
    fc.assert(
      fc.property(fc.array(request, { maxLength: 4 }), fc.nat(2 ** 31 - 1), (requests, messageId) => {
        const known = new KnownSearches();
        for (const op of [...requests, ...requests]) {
          const bytes = encodeRequest({ messageId, op, controls: [] });
          const decoded = known.decode(bytes, limits);
          expect(decoded.op).toMatchObject(op);
          expect({ ...decoded, op: undefined }).toEqual({ ...decodeRequest(bytes, limits), op: undefined });
        }
      }),
      { numRuns },
    ));

  test('octets that are no such search are left to the plain decoder', () =>
    fc.assert(
      fc.property(request, fc.nat(60), fc.integer({ min: 0, max: 255 }), (op, place, octet) => {
        const known = new KnownSearches();
        const whole = encodeRequest({ messageId: 300, op, controls: [] });
        known.decode(whole, limits);
        const bytes = Buffer.from(whole);
        bytes[place % bytes.length] = octet;
        const outcome = (decode: () => unknown) => {
          try {
            return JSON.stringify(decode());
          } catch (error) {
            return String(error);
          }
        };
        expect(outcome(() => known.decode(bytes, limits))).toBe(outcome(() => decodeRequest(bytes, limits)));
      }),
      { numRuns: numRuns * 4 },
    ));

  test('an answer is kept for the layout and the rows it was made of, and is known only then', () => {
    const { layout, directory } = build([{ kind: 'user', given: { pk: 1, name: 'ann', attributes: {}, email: '' } }]);
    const one = new KnownSearch({
      op: 'searchRequest',
      baseObject: base,
      scope: 'wholeSubtree',
      derefAliases: 0,
      sizeLimit: 0,
      timeLimit: 0,
      typesOnly: false,
      filter: parseFilter('(cn=ann1)'),
      attributes: [],
    });
    expect(one.answerIn(layout)).toBeUndefined();
    one.keepAnswer(layout, []);
    expect(one.answerIn(layout)).toEqual([]);
    expect(one.answerIn(build([]).layout)).toBeUndefined();
    directory.removeUser(1);
    expect(one.answerIn(layout)).toBeUndefined();
  });
});
