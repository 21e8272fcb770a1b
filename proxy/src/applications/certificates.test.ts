import { captureLogger } from '@gatehouse/daemon/testing';
import { type KeyPair, selfSignedCertificate } from '@gatehouse/daemon/tls';
import { expect, test } from 'vitest';
import { fakeIssuer } from '../testing/fake-issuer.ts';
import { applicationFromApi } from './application.ts';
import { createApplicationCertificates } from './certificates.ts';

const context = { hosts: { browser: '', configured: '' }, outpostName: 'o', version: 'v' };

test('proxy 10, 11, §2.3: by name without port, by cookie domain, else the default', async () => {
  await using issuer = await fakeIssuer();
  const pair = await selfSignedCertificate();
  const log = captureLogger();
  const certificates = createApplicationCertificates(pair, log);
  const pairs = new Map<string, KeyPair>(['one', 'two', 'three'].map((id) => [id, pair]));
  pairs.set('broken', { certPem: 'x', keyPem: 'y' });
  certificates.replace(
    [
      issuer.row({ pk: 1, external_host: 'https://app.company:8443', certificate: 'one' }),
      issuer.row({
        pk: 2,
        external_host: 'https://auth.company',
        mode: 'forward_domain',
        cookie_domain: '.company',
        certificate: 'two',
      }),
      issuer.row({
        pk: 3,
        external_host: 'https://auth.dev.company',
        mode: 'forward_domain',
        cookie_domain: 'dev.company',
        certificate: 'three',
      }),
      issuer.row({ pk: 4, external_host: 'https://none.org', certificate: 'missing' }),
      issuer.row({ pk: 5, external_host: 'https://broken.org', certificate: 'broken' }),
    ].map((row) => applicationFromApi(row, context)),
    pairs,
  );
  const { choose } = certificates.store;
  const standard = choose(undefined);
  expect(choose('APP.company.')).not.toBe(standard);
  expect(choose('any.company')).toBe(choose('auth.company'));
  expect(choose('x.dev.company')).toBe(choose('auth.dev.company'));
  expect(choose('x.dev.company')).not.toBe(choose('any.company'));
  for (const name of ['evilcompany', 'none.org', 'broken.org', 'other.org', '']) expect(choose(name)).toBe(standard);
  expect(log.lines.map((line) => line.event)).toEqual(['certificate not usable']);
});
