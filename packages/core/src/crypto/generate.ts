// Self-signed key pairs (core.md §11.6, `generate/`; §1.3 step 4). The one file of this package that imports
// @peculiar/x509.
import { randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { resignWithEd448 } from './ed448.ts';

export type KeyAlgorithm = 'rsa' | 'ecdsa' | 'ed25519' | 'ed448';

export interface NewCertificate {
  readonly commonName: string;
  readonly alternativeNames: readonly string[];
  readonly validDays: number;
  readonly algorithm: KeyAlgorithm;
  /** Of RSA keys; 4096 unless given. */
  readonly rsaBits?: number;
}

export interface PemPair {
  readonly certificate: string;
  readonly key: string;
}

export type KeyPair = webcrypto.CryptoKeyPair;

/** RSA 4096 takes one to four seconds of a core, away from the event loop; the others some milliseconds. */
export async function generateKeys(wanted: Pick<NewCertificate, 'algorithm' | 'rsaBits'>): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(parametersOf(wanted), true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error(`${wanted.algorithm} makes no key pair.`);
  return keys;
}

/** @param given keys of the wanted kind; new ones unless given */
export async function generateCertificate(wanted: NewCertificate, nowMs: number, given?: KeyPair): Promise<PemPair> {
  const keys = given ?? (await generateKeys(wanted));
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey));
  const key = x509.PemConverter.encode(pkcs8, 'PRIVATE KEY');
  const certificate = await selfSigned(wanted, keys, nowMs);
  const der = wanted.algorithm === 'ed448' ? resignWithEd448(certificate, key) : certificate;
  return { certificate: `${x509.PemConverter.encode(der, 'CERTIFICATE')}\n`, key };
}

/** DER; under a passing Ed25519 key where the library cannot sign with ours. */
async function selfSigned(wanted: NewCertificate, keys: KeyPair, nowMs: number): Promise<Buffer> {
  const isForeign = wanted.algorithm === 'ed448';
  const signer = isForeign ? await webcrypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']) : keys;
  if (!('privateKey' in signer)) throw new Error('Ed25519 makes no key pair.');
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  const names = wanted.alternativeNames.map((value) => ({
    type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const),
    value,
  }));
  const name = [{ CN: [wanted.commonName] }, { O: ['authentik'] }, { OU: ['Self-signed'] }];
  const certificate = await x509.X509CertificateGenerator.create(
    {
      serialNumber: serial.toString('hex'),
      subject: name,
      issuer: name,
      notBefore: new Date(nowMs - 86_400_000),
      notAfter: new Date(nowMs + wanted.validDays * 86_400_000),
      signingAlgorithm: isForeign ? { name: 'Ed25519' } : parametersOf(wanted),
      publicKey: keys.publicKey,
      signingKey: signer.privateKey,
      extensions: names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)],
    },
    webcrypto,
  );
  return Buffer.from(certificate.rawData);
}

function parametersOf({ algorithm, rsaBits = 4096 }: Pick<NewCertificate, 'algorithm' | 'rsaBits'>) {
  switch (algorithm) {
    case 'rsa':
      return {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        publicExponent: new Uint8Array([1, 0, 1]),
        modulusLength: rsaBits,
      };
    case 'ecdsa':
      return { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };
    case 'ed25519':
      return { name: 'Ed25519' };
    case 'ed448':
      return { name: 'Ed448' };
  }
}
