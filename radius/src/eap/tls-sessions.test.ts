// What may be resumed: by whom, for how long, and how many.
import { fakeClock } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { createTlsSessions, type TlsSession } from './tls-sessions.ts';

const use = { providerPk: 1, method: 'ttls', identity: 'anonymous@example.test' } as const;
const id = (number: number) => Buffer.from(number.toString(16).padStart(64, '0'), 'hex');
const made = (endMs: number): TlsSession => ({
  ...use,
  session: Buffer.from('secret'),
  proved: { kind: 'inner', username: 'alice', ticket: 'one' },
  endMs,
});

test('RFC 9427 §4: a session is for one provider, method and outer identity', () => {
  const sessions = createTlsSessions(fakeClock());
  sessions.keep(id(1), made(1_000_000));
  expect(sessions.find(id(1), use)?.proved).toEqual({ kind: 'inner', username: 'alice', ticket: 'one' });
  expect(sessions.find(id(2), use)).toBeUndefined();
  for (const other of [{ providerPk: 2 }, { method: 'peap' }, { method: 'tls' }, { identity: 'mallory' }] as const)
    expect(sessions.find(id(1), { ...use, ...other })).toBeUndefined();
});

test('RFC 9190 §2.1.2: its life ends with that of the login', async () => {
  const clock = fakeClock();
  const sessions = createTlsSessions(clock);
  sessions.keep(id(1), made(clock.monotonicMs() + 1_000));
  await clock.advance(999);
  expect(sessions.find(id(1), use)).toBeDefined();
  await clock.advance(1);
  expect(sessions.find(id(1), use)).toBeUndefined();
  sessions.keep(id(2), made(clock.monotonicMs() + 1_000));
  expect(sessions.size).toBe(1);
});

test('never more than ten thousand: the oldest makes room', () => {
  const clock = fakeClock();
  const sessions = createTlsSessions(clock);
  for (let number = 0; number < 10_001; number++) sessions.keep(id(number), made(clock.monotonicMs() + 1_000));
  expect(sessions.size).toBe(10_000);
  expect(sessions.find(id(0), use)).toBeUndefined();
  expect(sessions.find(id(10_000), use)).toBeDefined();
});
