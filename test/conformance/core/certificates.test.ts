// core.md §22, "Certificates, brands, files": pairs and brands.
import { X509Certificate } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient, startTestCore, type TestCore } from '@gatehouse/core/testing';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let core: TestCore;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const { ask, plainUser } = createClient(() => core);

beforeAll(async () => {
  folder = await temporaryFolder();
  core = await startTestCore({ certificatesDir: folder.path });
}, 60_000);
afterAll(async () => {
  await core[Symbol.asyncDispose]();
  await folder[Symbol.asyncDispose]();
});

interface Pair {
  readonly pk: string;
  readonly name: string;
  readonly key_type: string;
  readonly cert_subject: string;
  readonly cert_expiry: string;
  readonly fingerprint_sha256: string;
  readonly private_key_available: boolean;
}
const path = '/crypto/certificatekeypairs/';
const generate = (common_name: string, alg: string, more: object = {}) =>
  core.call<Pair>('POST', `${path}generate/`, { common_name, validity_days: 10, alg, ...more });
const halves = async (pk: string) => ({
  certificate_data: (await core.call<{ data: string }>('GET', `${path}${pk}/view_certificate/`)).data,
  key_data: (await core.call<{ data: string }>('GET', `${path}${pk}/view_private_key/`)).data,
});

describe('pairs', () => {
  for (const [alg, type] of [
    ['rsa', 'rsa'],
    ['ecdsa', 'ec'],
    ['ed25519', 'ed25519'],
    ['ed448', 'ed448'],
  ] as const)
    test(`core 103: generate makes ${alg} as it was asked`, async () => {
      const pair = await generate(`${alg}.test`, alg, { subject_alt_name: `${alg}.test, 10.0.0.1` });
      expect(pair).toMatchObject({
        key_type: type,
        private_key_available: true,
        cert_subject: expect.stringContaining(`CN=${alg}.test`),
      });
      const days = (Date.parse(pair.cert_expiry) - Date.now()) / 86_400_000;
      expect(days).toBeGreaterThan(9.9);
      expect(days).toBeLessThan(10.1);
      const { certificate_data, key_data } = await halves(pair.pk);
      const certificate = new X509Certificate(certificate_data);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(certificate.subjectAltName).toBe(`DNS:${alg}.test, IP Address:10.0.0.1`);
      expect(key_data).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    }, 60_000);

  test('core 103: wrong wishes are told on their fields', async () => {
    expect(await ask('POST', `${path}generate/`, { alg: 'dsa', validity_days: 0 })).toMatchObject({
      status: 400,
      body: {
        common_name: ['Invalid input: expected string, received undefined'],
        alg: ['"dsa" is not a valid choice.'],
        validity_days: expect.any(Array),
      },
    });
  });

  test('core 104: halves that do not belong together, and what is no PEM, are refused', async () => {
    const [one, other] = [
      await halves((await generate('one.test', 'ecdsa')).pk),
      await halves((await generate('other.test', 'ecdsa')).pk),
    ];
    const body = { name: 'mixed', certificate_data: one.certificate_data, key_data: other.key_data };
    expect(await ask('POST', path, body)).toMatchObject({ status: 400, body: { key_data: expect.any(Array) } });
    for (const certificate_data of ['nonsense', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'])
      expect(await ask('POST', path, { name: 'bad', certificate_data })).toMatchObject({
        status: 400,
        body: { certificate_data: expect.any(Array) },
      });
    expect(
      await ask('POST', path, { name: 'bad', certificate_data: one.certificate_data, key_data: 'nonsense' }),
    ).toMatchObject({ status: 400 });
    const fine = await core.call<Pair>('POST', path, { name: 'imported', ...one });
    expect(fine).not.toHaveProperty('key_data');
  });

  test('core 105: reading a key is told, except where an outpost does it; without the right it is 403', async () => {
    const pair = await generate('seen.test', 'ecdsa');
    await halves(pair.pk);
    const told = async () =>
      JSON.stringify(await core.call('GET', '/events/events/?actions=secret_view')).split('seen.test').length;
    const before = await told();
    expect(before).toBe(3);
    const provider = await core.call<{ results: { pk: number }[] }>('GET', '/providers/radius/');
    await core.call('PATCH', `/providers/radius/${provider.results[0]?.pk}/`, { certificate: pair.pk });
    const outpost = await core.outpostToken('radius');
    expect((await ask('GET', `${path}${pair.pk}/view_private_key/`, undefined, outpost)).status).toBe(200);
    expect(await told()).toBe(before);
    const user = await plainUser('curious');
    expect((await ask('GET', `${path}${pair.pk}/view_private_key/`, undefined, user.key)).status).toBe(403);
    const file = await fetch(`${core.url}api/v3${path}${pair.pk}/view_certificate/?download`, {
      headers: { Authorization: `Bearer ${core.adminToken}` },
    });
    expect(file.headers.get('content-disposition')).toBe('attachment; filename="seen.test_certificate.pem"');
    expect(await file.text()).toMatch(/^-----BEGIN CERTIFICATE/);
  });

  test('what uses a pair is listed; deleting it leaves no dangling reference', async () => {
    const pair = await generate('used.test', 'ecdsa');
    const { results } = await core.call<{ results: { pk: number }[] }>('GET', '/providers/ldap/');
    const provider = `/providers/ldap/${results[0]?.pk}/`;
    await core.call('PATCH', provider, { certificate: pair.pk });
    expect(await core.call('GET', `${path}${pair.pk}/used_by/`)).toMatchObject([
      { app: 'authentik_providers_ldap', model_name: 'ldapprovider', action: 'set_null' },
    ]);
    await core.call('DELETE', `${path}${pair.pk}/`);
    expect(await core.call('GET', provider)).toMatchObject({ certificate: null });
  });

  test('core 106: pairs of the folder are found, and renewed in place', async () => {
    const discover = async () => {
      const { results } = await core.call<{ results: { id: string }[] }>(
        'GET',
        '/tasks/schedules/?actor_name=authentik.crypto.tasks.certificate_discovery',
      );
      await core.call('POST', `/tasks/schedules/${results[0]?.id}/send/`);
      await core.worker.drain();
    };
    const place = async (name: string, pair: { certificate_data: string; key_data: string }) => {
      await mkdir(join(folder.path, name), { recursive: true });
      await writeFile(join(folder.path, name, 'tls.crt'), pair.certificate_data);
      await writeFile(join(folder.path, name, 'tls.key'), pair.key_data);
    };
    const found = async (name: string) => (await core.call<{ results: Pair[] }>('GET', `${path}?name=${name}`)).results;
    const first = await halves((await generate('first.test', 'ecdsa')).pk);
    await place('web', first);
    await writeFile(join(folder.path, 'broken.pem'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----');
    await writeFile(join(folder.path, 'ca.crt'), first.certificate_data);
    await discover();
    const [before] = await found('web');
    expect(before).toMatchObject({ name: 'web', private_key_available: true });
    expect(await found('ca')).toEqual([]);
    expect(await found('broken')).toEqual([]);
    await place('web', await halves((await generate('second.test', 'ecdsa')).pk));
    await discover();
    const [after] = await found('web');
    expect(after?.pk).toBe(before?.pk);
    expect(after?.fingerprint_sha256).not.toBe(before?.fingerprint_sha256);
  });
});

describe('brands', () => {
  const current = async (host: string) => {
    const { request } = await import('node:http');
    return new Promise<Record<string, unknown>>((resolve, reject) => {
      const url = new URL(`${core.url}api/v3/core/brands/current/`);
      request(url, { headers: { host } }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      })
        .on('error', reject)
        .end();
    });
  };

  test('core 107: the longest domain that the host ends in, else the default one; only one is default', async () => {
    await core.call('POST', '/core/brands/', { domain: 'corp.test', branding_title: 'Corp' });
    await core.call('POST', '/core/brands/', { domain: 'id.corp.test', branding_title: 'Corp ID' });
    expect(await current('www.corp.test')).toMatchObject({ matched_domain: 'corp.test', branding_title: 'Corp' });
    expect(await current('corp.test:8443')).toMatchObject({ matched_domain: 'corp.test' });
    expect(await current('login.ID.corp.test')).toMatchObject({ matched_domain: 'id.corp.test' });
    for (const host of ['elsewhere.test', 'notcorp.test'])
      expect(await current(host)).toMatchObject({ matched_domain: 'authentik-default' });
    expect((await ask('POST', '/core/brands/', { domain: 'second.test', default: true })).status).toBe(400);
    expect((await ask('POST', '/core/brands/', { domain: 'corp.test' })).status).toBe(400);
  });

  test('core 108: anybody may ask for the brand, and sees flows that are set only', async () => {
    const brand = await current('anything');
    expect(brand).toMatchObject({
      flow_authentication: 'default-authentication-flow',
      flow_invalidation: 'default-invalidation-flow',
    });
    expect(brand).not.toHaveProperty('flow_recovery');
    expect(brand['flags']).toEqual({ flows_refresh_others: false, flows_continuous_login: false });
  });
});
