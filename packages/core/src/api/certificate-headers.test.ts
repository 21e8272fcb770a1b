// Client certificates in headers: each form as its proxy writes it, what clients may put into their own names, and who may say it.
import { X509Certificate } from 'node:crypto';
import { createTestAuthority, type Issued, type TestAuthority } from '@gatehouse/daemon/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { proxyHeaders, readCertificateHeader } from './certificate-headers.ts';
import { createCertificatePeers, presentedCertificate } from './client-certificate.ts';

let authority: TestAuthority;
let alice: Issued;
let mallory: Issued;
beforeAll(async () => {
  authority = await createTestAuthority();
  [alice, mallory] = [await authority.issue('alice'), await authority.issue('mallory')];
});
afterAll(() => authority[Symbol.asyncDispose]());

const escaped = (pem: string) => encodeURIComponent(pem);
const formEscaped = (pem: string) => encodeURIComponent(pem).replaceAll('%20', '+');
const bare = (pem: string) => pem.replaceAll(/-----[A-Z ]+-----|\n/g, '');
const subjectIn = (name: string, value: string) => {
  const found = readCertificateHeader(name, value);
  return typeof found === 'string' ? found : found.leaf.subject;
};
const xfcc = 'x-forwarded-client-cert';

describe('forms', () => {
  test.each([
    ['nginx', 'ssl-client-cert', () => escaped(alice.certPem)],
    ['an outpost', 'x-authentik-outpost-certificate', () => formEscaped(alice.certPem)],
    ['Traefik', 'x-forwarded-tls-client-cert', () => bare(alice.certPem)],
    ['Traefik with a chain', 'x-forwarded-tls-client-cert', () => `${bare(alice.certPem)},${bare(authority.caPem)}`],
    ['Traefik of old', 'x-forwarded-tls-client-cert', () => escaped(bare(alice.certPem))],
    ['our router with a chain', xfcc, () => `Cert=${formEscaped(alice.certPem)},Cert=${formEscaped(authority.caPem)}`],
    [
      'Envoy',
      xfcc,
      () =>
        `By=spiffe://a;Hash=00ff;Cert="${escaped(alice.certPem)}";Chain="${escaped(alice.certPem + authority.caPem)}";Subject="O=A\\, B;C,CN=alice";URI=`,
    ],
  ])('%s', (_who, name, value) => {
    expect(subjectIn(name, value())).toBe('CN=alice');
  });

  test('authorities that come along are told apart from the client', () => {
    const found = readCertificateHeader('ssl-client-cert', escaped(authority.caPem + alice.certPem));
    expect(found).toMatchObject({ leaf: { subject: 'CN=alice' }, sentAlong: [{ subject: 'CN=Test CA' }] });
  });

  test('two clients in one header name nobody', () => {
    const both = `Cert="${escaped(alice.certPem)}",Cert="${escaped(mallory.certPem)}"`;
    expect(subjectIn(xfcc, both)).toContain('several clients');
    expect(subjectIn('ssl-client-cert', `${escaped(alice.certPem)}, ${escaped(mallory.certPem)}`)).toContain('several');
  });

  test('what a client has in its own name is no pair', () => {
    const value = `Subject="CN=x,Cert=${escaped(alice.certPem)}";Cert="${escaped(mallory.certPem)}"`;
    expect(subjectIn(xfcc, value)).toBe('CN=mallory');
    expect(subjectIn(xfcc, `Subject="CN=\\",Cert=${escaped(alice.certPem)}";Hash=1`)).toContain('no client');
    expect(subjectIn(xfcc, `Subject="CN=x,Cert=${escaped(alice.certPem)}`)).toContain('cannot be read');
  });

  test('whatever stands there, it is a client’s certificate or a reason, in no time', () => {
    const pieces = fc.array(
      fc.oneof(fc.string(), fc.constantFrom('Cert=', 'Chain="', '"', ',', ';', '\\', '%', ' '.repeat(3000))),
    );
    fc.assert(
      fc.property(fc.constantFrom(...proxyHeaders), pieces, (name, parts) => {
        expect(typeof readCertificateHeader(name, parts.join(''))).toBe('string');
      }),
      { numRuns: 300 },
    );
  });
});

describe('who may say it', () => {
  const rows: unknown[] = [];
  const database = { rows: async () => rows };
  const ask = (headers: Record<string, string>, remoteAddress: string | undefined, outpost?: string) =>
    Reflect.apply(presentedCertificate, undefined, [
      { database, certificatePeers: createCertificatePeers(['10.1.0.0/16']) },
      { headers, socket: { remoteAddress } },
      outpost,
    ]) as ReturnType<typeof presentedCertificate>;

  test.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '10.1.2.3', undefined])('%s is trusted', async (address) => {
    expect(await ask({ 'ssl-client-cert': escaped(alice.certPem) }, address)).toMatchObject({ kind: 'presented' });
  });

  test.each(['10.2.0.1', '192.168.0.1', '172.16.0.1', '2001:db8::1', 'nonsense'])('%s is not', async (address) => {
    for (const name of proxyHeaders) {
      const value = name === xfcc ? `Cert="${escaped(alice.certPem)}"` : escaped(alice.certPem);
      expect(await ask({ [name]: value, 'x-forwarded-for': '127.0.0.1' }, address)).toMatchObject({
        kind: 'unusable',
        reason: expect.stringContaining('not trusted'),
      });
    }
  });

  test('headers of two kinds of proxies contradict each other', async () => {
    const headers = { 'ssl-client-cert': escaped(alice.certPem), [xfcc]: `Cert=${escaped(mallory.certPem)}` };
    expect(await ask(headers, '127.0.0.1')).toMatchObject({ kind: 'unusable' });
  });

  test('the header of outposts counts for nothing without an outpost, those of proxies for nothing with one', async () => {
    const own = { 'x-authentik-outpost-certificate': formEscaped(alice.certPem) };
    expect(await ask(own, '127.0.0.1')).toEqual({ kind: 'none' });
    expect(await ask({ 'ssl-client-cert': escaped(alice.certPem) }, '127.0.0.1', 'ak-outpost-1')).toEqual({
      kind: 'none',
    });
    expect(await ask(own, '127.0.0.1', 'ak-outpost-1')).toMatchObject({ kind: 'unusable', by: 'outpost' });
    rows.push({ rights: ['authentik_stages_mtls.pass_outpost_certificate'] });
    expect(await ask(own, '192.0.2.1', 'ak-outpost-1')).toMatchObject({ kind: 'presented', by: 'outpost' });
  });
});

test('a certificate is the same after each form', () => {
  const found = readCertificateHeader('x-forwarded-tls-client-cert', bare(alice.certPem));
  expect(found).toMatchObject({ leaf: { fingerprint256: new X509Certificate(alice.certPem).fingerprint256 } });
});
