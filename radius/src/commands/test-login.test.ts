// The test command against a daemon in this process.
import { expect, test } from 'vitest';
import { startTestRadius } from '../testing/start.ts';
import { testLogin } from './test-login.ts';

test.each([
  ['s3cr3t', 'testing123', 0, 'Access-Accept'],
  ['not right', 'testing123', 1, 'Access-Reject'], // no letters that random digits in hexadecimal could spell
  ['s3cr3t', 'another', 2, 'no answer'],
])('radius test: password %s, secret %s: exit code %i, %s', async (password, secret, code, shown) => {
  await using radius = await startTestRadius();
  const lines: string[] = [];
  const env = { RADIUS_SECRET: secret, RADIUS_PASSWORD: password };
  const argv = ['alice', `--server=127.0.0.1:${radius.port}`];
  expect(
    await testLogin({ argv, env, print: (line) => void lines.push(line), waitMs: code === 2 ? 1_000 : 20_000 }),
  ).toBe(code);
  const text = lines.join('\n');
  expect(text).toContain(shown);
  expect(text).toContain('User-Password = ***');
  expect(text).not.toContain(password);
  if (code === 0)
    for (const line of ['Filter-Id = group-a', 'Framed-IP-Address = 10.1.2.3', 'Message-Authenticator valid'])
      expect(text).toContain(line);
});

test('radius test: without a user or a secret it says how', async () => {
  const lines: string[] = [];
  expect(await testLogin({ argv: ['alice'], env: {}, print: (line) => void lines.push(line) })).toBe(2);
  expect(lines.join()).toContain('gatehouse radius test <user>');
});
