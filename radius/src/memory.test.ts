// What is kept for a time: replies, EAP conversations, warnings. The clock is turned by hand.
import { fakeClock } from '@gatehouse/daemon/testing';
import { selfSignedCertificate } from '@gatehouse/daemon/tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMessageAuthenticatorGate } from './clients/message-authenticator-policy.ts';
import { createNotices } from './clients/notices.ts';
import { createDuplicates } from './datagram/duplicates.ts';
import { Conversation } from './eap/conversation.ts';
import { eapMethods } from './eap/methods.ts';
import { createEapSessions } from './eap/sessions.ts';
import { createEapContext } from './eap/tls-endpoint.ts';

const from = (address: string) => ({ address, port: 1812 });
const packet = (identifier: number, authenticator = 0, tail = '') =>
  Buffer.concat([Buffer.of(1, identifier, 0, 20), Buffer.alloc(16, authenticator), Buffer.from(tail)]);

test('radius C29: after its time a reply is forgotten, and a repetition is a new request', async () => {
  const clock = fakeClock();
  const duplicates = createDuplicates(clock, { keepMs: 10_000, maxEntries: 10 });
  const begun = duplicates.begin(from('a'), packet(1));
  expect(duplicates.look(from('a'), packet(1))).toEqual({ kind: 'working' });
  begun?.finish(Buffer.from('reply'));
  await clock.advance(9_999);
  expect(duplicates.look(from('a'), packet(1))).toEqual({ kind: 'done', reply: Buffer.from('reply') });
  await clock.advance(1);
  expect(duplicates.look(from('a'), packet(1))).toBeUndefined();
  expect(duplicates.size).toBe(0);
});

test('radius §4.5: only identical bytes are a repetition; another authenticator makes the old reply unwanted', () => {
  const duplicates = createDuplicates(fakeClock(), { keepMs: 10_000, maxEntries: 10 });
  const first = duplicates.begin(from('a'), packet(1));
  expect(duplicates.look(from('a'), packet(1, 0, 'x'))).toBeUndefined();
  expect(duplicates.look(from('b'), packet(1))).toBeUndefined();
  const second = duplicates.begin(from('a'), packet(1, 9));
  expect([first?.isCurrent(), second?.isCurrent()]).toEqual([false, true]);
});

test('radius §4.5: what was not answered may be asked again; full of work takes nothing new; done makes room', () => {
  const duplicates = createDuplicates(fakeClock(), { keepMs: 10_000, maxEntries: 2 });
  const entries = [1, 2].map((identifier) => duplicates.begin(from('a'), packet(identifier)));
  expect(duplicates.begin(from('a'), packet(3))).toBeUndefined();
  const [first, second] = entries;
  first?.forget();
  expect(duplicates.look(from('a'), packet(1))).toBeUndefined();
  expect(duplicates.begin(from('a'), packet(1))).toBeDefined();
  second?.finish(Buffer.from('reply'));
  expect(duplicates.look(from('a'), packet(4))).toBeUndefined();
  expect(duplicates.begin(from('a'), packet(4))).toBeDefined();
  expect(duplicates.size).toBe(2);
});

test('radius §4.5: whatever comes, the memory stays in its bounds and a done request is replayed with its own reply', () => {
  const step = fc.record({
    source: fc.nat(3),
    identifier: fc.nat(3),
    authenticator: fc.nat(3),
    isAnswered: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const duplicates = createDuplicates(fakeClock(), { keepMs: 10_000, maxEntries: 8 });
      for (const { source, identifier, authenticator, isAnswered } of steps) {
        const bytes = packet(identifier, authenticator);
        const own = Buffer.from(`${source} ${identifier} ${authenticator}`);
        const seen = duplicates.look(from(String(source)), bytes);
        if (seen?.kind === 'done') expect(seen.reply).toEqual(own);
        const entry = seen === undefined ? duplicates.begin(from(String(source)), bytes) : undefined;
        if (isAnswered) entry?.finish(own);
        expect(duplicates.size).toBeLessThanOrEqual(9);
      }
    }),
    { seed: 5080 },
  );
});

test('radius C76: 1,000 abandoned EAP conversations leave nothing', async () => {
  const clock = fakeClock();
  const sessions = createEapSessions(clock);
  const [method] = eapMethods;
  if (method === undefined) throw new Error('no method');
  const context = createEapContext(await selfSignedCertificate());
  const quiet = {
    identity: 'alice',
    isMsChapOffered: false,
    judgeCertificate: () => ({ kind: 'refused', reason: '' }) as const,
    findSession: undefined,
  };
  const open = () =>
    sessions.open(1, '192.0.2.1', new Conversation({ ...quiet, methods: eapMethods, context }, method));
  const kept = Array.from({ length: 1_000 }, open)[0];
  expect(sessions.size).toBe(1_000);
  await clock.advance(29_000);
  expect(sessions.find(kept?.state ?? Buffer.alloc(0), 1, '192.0.2.1')).toBe(kept);
  expect(sessions.find(kept?.state ?? Buffer.alloc(0), 2, '192.0.2.1')).toBeUndefined();
  expect(sessions.find(kept?.state ?? Buffer.alloc(0), 1, '192.0.2.2')).toBeUndefined();
  await clock.advance(1_000);
  expect(sessions.size).toBe(1);
  await clock.advance(30_000);
  expect(sessions.size).toBe(0);
});

test('radius §8.3: no more conversations than ten thousand: the one that was quiet longest makes room', async () => {
  const sessions = createEapSessions(fakeClock());
  const [method] = eapMethods;
  if (method === undefined) throw new Error('no method');
  const given = {
    identity: 'alice',
    methods: eapMethods,
    context: createEapContext(await selfSignedCertificate()),
    isMsChapOffered: false,
    judgeCertificate: () => ({ kind: 'refused', reason: '' }) as const,
    findSession: undefined,
  };
  const open = () => sessions.open(1, 'a', new Conversation(given, method)).state;
  const [first, second] = [open(), open()];
  for (let count = 2; count < 10_000; count++) open();
  expect(sessions.find(first, 1, 'a')).toBeDefined(); // not the quietest any more
  open();
  expect(sessions.size).toBe(10_000);
  expect(sessions.find(second, 1, 'a')).toBeUndefined();
  expect(sessions.find(first, 1, 'a')).toBeDefined();
});

test('radius §4.3: a warning is due once a minute and subject', async () => {
  const clock = fakeClock();
  const notices = createNotices(clock);
  expect([notices.isDue('a'), notices.isDue('a'), notices.isDue('b')]).toEqual([true, false, true]);
  await clock.advance(60_000);
  expect(notices.isDue('a')).toBe(true);
});

test.each([
  ['no', false, false, false, 'admitted'],
  ['no', false, false, true, 'refused'],
  ['yes', false, false, false, 'refused'],
  ['yes', true, false, false, 'admitted'],
  ['auto', true, false, true, 'admitted'],
  ['auto', true, false, false, 'latched'],
] as const)(
  'radius §4.4: %s, signed %s, Proxy-State %s, EAP %s: %s',
  (require, hasMessageAuthenticator, hasProxyState, isEap, expected) => {
    const policy = { requireMessageAuthenticator: require, limitProxyState: false };
    const gate = createMessageAuthenticatorGate();
    expect(gate.admit({ client: 'a', hasMessageAuthenticator, hasProxyState, isEap }, policy)).toBe(expected);
  },
);
