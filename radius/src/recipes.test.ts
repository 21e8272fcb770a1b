// The requests of real gear (radius/docs/nas, radius.md §16.1), replayed through radclient.
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { radclient } from './testing/radclient.ts';
import { p1, type Running, startTestRadius, users } from './testing/start.ts';

const folder = new URL('../docs/nas/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
const refused = new Set(['mikrotik-hotspot-chap.txt']); // CHAP needs the clear password
let radius: Running;

beforeAll(async () => {
  const more = {
    'alice@example.test': { password: 's3cr3t' },
    'EXAMPLE\\alice': { password: 's3cr3t' },
    '001122334455': { password: '001122334455' },
  };
  const alice = { password: 's3cr3t' };
  radius = await startTestRadius({ users: { ...users, ...more, alice }, providers: [p1] });
});
afterAll(async () => radius[Symbol.asyncDispose]());

describe('radius §16.1', () => {
  test('there is a recipe for each of them', () => expect(files).toHaveLength(16));
  for (const name of files) {
    const isAccounting = name.startsWith('acct-');
    const expected = isAccounting ? 'Accounting-Response' : refused.has(name) ? 'Access-Reject' : 'Access-Accept';
    test(`${name}: ${expected}`, async () => {
      const request = readFileSync(new URL(name, folder), 'utf8')
        .replace(/^#.*\n/, '')
        .trim();
      // A code of its own for each request that has one: it is good once.
      if (request.includes(';123456')) radius.core.users.set('alice', { password: 's3cr3t', code: '123456' });
      else radius.core.users.set('alice', { password: 's3cr3t' });
      const port = isAccounting ? radius.accountingPort : radius.port;
      const result = await radclient(port, request, { kind: isAccounting ? 'acct' : 'auth' });
      expect(result.code, result.output).toBe(expected);
    });
  }
});
