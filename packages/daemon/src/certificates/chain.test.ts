// Chains of client certificates by openssl: each way to be refused has its own case.
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestAuthority, type IssueOptions, type TestAuthority } from '../testing/authority.ts';
import { clientChain, outOfDate } from './chain.ts';
import { alternativeNames, commonName, mailAddresses, pemBlocks } from './names.ts';

let root: TestAuthority;
beforeAll(async () => {
  root = await createTestAuthority('Root');
});
afterAll(() => root[Symbol.asyncDispose]());

const read = (...pems: string[]) => pems.map((pem) => new X509Certificate(pem));
const judge = (leafPem: string, trusted: string[], sentAlong: string[] = []) => {
  const [leaf] = read(leafPem);
  if (leaf === undefined) throw new Error('no leaf');
  const chain = clientChain(leaf, { trusted: read(...trusted), sentAlong: read(...sentAlong) });
  return typeof chain === 'string' ? chain : chain.map(({ subject }) => subject);
};
const issued = async (options: IssueOptions) => (await root.issue('alice', options)).certPem;

test.each<[string, IssueOptions, string | string[]]>([
  ['one for clients', {}, ['CN=alice', 'CN=Root']],
  ['one that says nothing of its purpose', { purpose: 'any' }, ['CN=alice', 'CN=Root']],
  ['one of RSA', { key: 'rsa' }, ['CN=alice', 'CN=Root']],
  ['one whose key signs', { extensions: ['keyUsage=critical,digitalSignature'] }, ['CN=alice', 'CN=Root']],
  ['one whose key only encrypts', { extensions: ['keyUsage=critical,keyEncipherment'] }, 'not meant for signatures'],
  ['one of a server', { purpose: 'server' }, 'not meant for client authentication'],
  ['an authority', { isAuthority: true }, 'is an authority’s'],
  ['one signed with SHA-1', { digest: 'sha1' }, 'can be forged'],
  ['an unknown critical extension', { extensions: ['1.2.3.4=critical,ASN1:NULL'] }, 'critical extension 1.2.3.4'],
  ['an unknown one that may be ignored', { extensions: ['1.2.3.4=ASN1:NULL'] }, ['CN=alice', 'CN=Root']],
])('%s', async (_what, options, expected) => {
  const found = judge(await issued(options), [root.caPem]);
  if (typeof expected === 'string') expect(found).toContain(expected);
  else expect(found).toEqual(expected);
});

test.each<[string, IssueOptions, string | undefined]>([
  ['an authority in between', { purpose: 'any' }, undefined],
  ['one for clients only', {}, undefined],
  ['one for servers only', { purpose: 'server' }, 'CN=Branch is not meant for client authentication'],
  ['one that is none', { isAuthority: false }, 'CN=Branch is no authority'],
  ['one that limits names', { extensions: ['nameConstraints=permitted;email:example.org'] }, 'limits names'],
  ['one that may not sign certificates', { extensions: ['keyUsage=critical,cRLSign'] }, 'no configured authority'],
])('%s', async (_what, options, expected) => {
  const own = await root.issue('Branch', { isAuthority: true, ...options });
  await using branch = await createTestAuthority('Branch', own);
  const { certPem } = await branch.issue('alice');
  const whole = ['CN=alice', 'CN=Branch', 'CN=Root'];
  const sent = judge(certPem, [root.caPem], [own.certPem]);
  if (expected === undefined) expect(sent).toEqual(whole);
  else expect(sent).toContain(expected);
  expect(judge(certPem, [root.caPem])).toContain('no configured authority has signed it (issuer CN=Branch)');
  if (expected !== undefined) return;
  expect(judge(certPem, [root.caPem, own.certPem])).toEqual(whole);
  expect(judge(certPem, [own.certPem])).toEqual(['CN=alice', 'CN=Branch']);
  expect(judge(certPem, [own.certPem, own.certPem, root.caPem, root.caPem])).toEqual(whole);
});

test('somebody with the name of an authority is not the authority', async () => {
  await using impostor = await createTestAuthority('Root');
  const { certPem } = await impostor.issue('alice');
  expect(judge(certPem, [root.caPem])).toContain('no configured authority has signed it');
  expect(judge(certPem, [root.caPem], [impostor.caPem])).toContain('no configured authority has signed it');
});

test('dates are looked at by themselves', async () => {
  const [certificate] = read(await issued({ days: 1 }));
  if (certificate === undefined) throw new Error('no certificate');
  const [from, to] = [Date.parse(certificate.validFrom), Date.parse(certificate.validTo)];
  expect(outOfDate(certificate, (from + to) / 2)).toBeUndefined();
  expect(outOfDate(certificate, from - 1)).toContain('CN=alice is not valid before');
  expect(outOfDate(certificate, to + 1)).toContain('CN=alice expired on');
});

test('names: the common name if it is one, addresses of either form', async () => {
  const [modern, old, twice] = read(
    await issued({ names: 'email:a@example.org,email:b@example.org,DNS:laptop.example.org' }),
    await issued({ subject: '/CN=alice/emailAddress=old@example.org' }),
    await issued({ subject: '/CN=alice/CN=bob' }),
  );
  if (modern === undefined || old === undefined || twice === undefined) throw new Error('no certificate');
  expect([commonName(modern), commonName(twice)]).toEqual(['alice', undefined]);
  expect([mailAddresses(modern), mailAddresses(old), mailAddresses(twice)]).toEqual([
    ['a@example.org', 'b@example.org'],
    ['old@example.org'],
    [],
  ]);
  expect(alternativeNames(modern, 'dns')).toEqual(['laptop.example.org']);
  expect(pemBlocks(`noise ${root.caPem}\n${root.caPem}`, 'CERTIFICATE')).toHaveLength(2);
});
