// Makes one self-signed certificate and ends (core-contract §6.3); started by self-signed.ts.
import { randomBytes, webcrypto } from 'node:crypto';
import { parentPort, workerData } from 'node:worker_threads';
import { x509 } from '../certificates/x509.ts';
import type { KeyPair } from './self-signed.ts';

const validDays = 365;

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a port of threads, not a window
parentPort?.postMessage(await makeSelfSigned(Number(workerData)));

/** RSA 2048, CN `authentik default certificate`, SAN `*`, valid one year from `nowMs`. */
async function makeSelfSigned(nowMs: number): Promise<KeyPair> {
  const algorithm = {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    publicExponent: new Uint8Array([1, 0, 1]),
    modulusLength: 2048,
  };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const serial = randomBytes(16);
  serial[0] = (serial[0] ?? 0) & 0x7f;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial.toString('hex'),
    name: 'O=authentik, CN=authentik default certificate',
    notBefore: new Date(nowMs),
    notAfter: new Date(nowMs + validDays * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: '*' }]),
    ],
  });
  const key = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  const keyPem = `-----BEGIN PRIVATE KEY-----\n${key.match(/.{1,64}/g)?.join('\n')}\n-----END PRIVATE KEY-----\n`;
  return { certPem: certificate.toString('pem'), keyPem };
}
