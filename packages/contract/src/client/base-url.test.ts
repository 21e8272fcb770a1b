import { expect, test } from 'vitest';
import { controlChannelUrl, coreAddress, socketAddress } from './base-url.ts';

test('core-contract B14: the base may lack its final slash, and may have a path', () => {
  expect(coreAddress('https://ak.example')).toMatchObject({ origin: 'https://ak.example', prefix: '/' });
  expect(coreAddress('https://ak.example/auth')).toMatchObject({ origin: 'https://ak.example', prefix: '/auth/' });
});

test('a core behind a unix socket may have a path, whatever the socket is called', () => {
  for (const path of ['/run/core.sock', '/tmp/with blank/ü.sock', '/tmp/a:/b?c#d.sock'])
    for (const prefix of ['/', '/auth/', '/a/b/']) {
      const address = coreAddress(socketAddress(path, prefix));
      expect(address).toMatchObject({ socketPath: path, prefix, origin: 'http://localhost' });
      expect(controlChannelUrl(address, 'pk', 'uuid', 1)).toBe(
        `ws+unix://${path}:${prefix}ws/outpost/pk/?attempt=1&instance_uuid=uuid`,
      );
    }
  expect(coreAddress('unix:///run/core.sock')).toMatchObject({ socketPath: '/run/core.sock', prefix: '/' });
});
