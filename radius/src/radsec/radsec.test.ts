// RadSec with a TLS client of our own (radius.md §17, C82, C83, and the vectors V45 and V46).
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { createPacketKey, messageAuthenticator, signRequest } from '@gatehouse/wire/radius';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { A1, p1, settings, startTestRadius } from '../testing/start.ts';
import { findPeer } from './peers.ts';

const openssl = (...args: string[]) => promisify(execFile)('openssl', args);
const v45 = Buffer.from(
  '0101003f000102030405060708090a0b0c0d0e0f5012df1c3d353fce359d2d759defea04ac850107616c69636502123bf7abda0089ea13cbd38dd2f8e9933b',
  'hex',
);
const v46 = '02010026d18c1cd35a1dd36d691bda93fbc3d9145012eecf99972ad14731dd417ee9a3db1de9';
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const file = (name: string) => join(folder.path, name);

/** An authority, and a key pair that it has signed. */
async function authority(name: string): Promise<void> {
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    file(`${name}-ca.key`),
    '-out',
    file(`${name}-ca.pem`),
    '-subj',
    `/CN=${name}`,
  );
  await openssl(
    'req',
    ...newKey,
    '-keyout',
    file(`${name}.key`),
    '-out',
    file(`${name}.csr`),
    '-subj',
    `/CN=${name} peer`,
  );
  const by = ['-CA', file(`${name}-ca.pem`), '-CAkey', file(`${name}-ca.key`), '-CAcreateserial'];
  await openssl('x509', '-req', '-in', file(`${name}.csr`), ...by, '-out', file(`${name}.pem`), '-days', '1');
}

beforeAll(async () => {
  folder = await temporaryFolder();
  await authority('ours');
  await authority('theirs');
});
afterAll(async () => folder[Symbol.asyncDispose]());

const start = (peers: string) =>
  startTestRadius({
    providers: [{ ...p1, attributes: A1 }],
    env: {
      AUTHENTIK_LISTEN__RADSEC: '127.0.0.1:0',
      AUTHENTIK_RADIUS__RADSEC_CERTIFICATE: file('ours.pem'),
      AUTHENTIK_RADIUS__RADSEC_KEY: file('ours.key'),
      AUTHENTIK_RADIUS__RADSEC_CA: file('ours-ca.pem'),
      AUTHENTIK_RADIUS__RADSEC_PEERS: peers,
    },
  });

async function dial(port: number, name: string): Promise<TLSSocket> {
  const [cert, key] = await Promise.all([readFile(file(`${name}.pem`)), readFile(file(`${name}.key`))]);
  return connect({ host: '127.0.0.1', port, cert, key, rejectUnauthorized: false }).on('error', () => undefined);
}

test('radius C82: a peer of the authority logs in, byte for byte as V46, in single bytes too; Status-Server on the same port', async () => {
  await using radius = await start('*=p1');
  const peer = await dial(radius.radsecPort, 'ours');
  peer.write(v45.subarray(0, 1));
  peer.write(v45.subarray(1, 30));
  peer.write(v45.subarray(30));
  const [first] = await once(peer, 'data');
  expect(first.toString('hex')).toBe(v46);
  peer.write(
    signRequest(
      { code: 12, identifier: 9, authenticator: Buffer.alloc(16, 3), attributes: [messageAuthenticator] },
      createPacketKey('radsec'),
    ),
  );
  const [status] = await once(peer, 'data');
  expect([status[0], status[1]]).toEqual([2, 9]);
  peer.destroy();
});

test('radius C83: a certificate of another authority is refused, and so is one without provider', async () => {
  for (const [peers, name] of [
    ['*=p1', 'theirs'],
    [`${'00'.repeat(32)}=p1`, 'ours'],
  ] as const) {
    await using radius = await start(peers);
    const peer = await dial(radius.radsecPort, name);
    peer.write(v45);
    await once(peer, 'close');
    expect(radius.core.flows()).toBe(0);
  }
});

test('radius B09: a Length that cannot be, and a wrong Message-Authenticator, end the connection', async () => {
  await using radius = await start('*=p1');
  const forged = Buffer.from(v45);
  forged.writeUInt8(forged.readUInt8(30) ^ 1, 30);
  for (const bytes of [Buffer.from('01010003', 'hex'), Buffer.from('0101ffff', 'hex'), forged]) {
    const peer = await dial(radius.radsecPort, 'ours');
    peer.write(bytes);
    await once(peer, 'close');
  }
  expect(radius.core.flows()).toBe(0);
});

test('radius B09: the fingerprint itself wins over *', () => {
  const provider = {
    pk: 1,
    name: 'a',
    app: 'a',
    flowSlug: '',
    networks: [],
    key: undefined,
    mfaSupport: true,
    certificate: undefined,
    wifiSecrets: false,
    localCertificates: false,
  };
  const providers = [provider, { ...provider, pk: 2, app: 'b' }];
  expect(findPeer(['*=a', 'AA:BB=b'], 'aa:bb', providers, () => settings)?.provider.pk).toBe(2);
  expect(findPeer(['*=a', 'AA:BB=b'], 'cc', providers, () => settings)?.provider.pk).toBe(1);
  expect(findPeer(['AABB=none'], 'aa:bb', providers, () => settings)).toBeUndefined();
});
