// Key pairs: making self-signed ones, and what is shown of any (core.md §9.4).
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { invalidField } from '../models/invalid.ts';

export interface CertificateFacts {
  readonly fingerprint_sha256: string;
  readonly fingerprint_sha1: string;
  readonly cert_expiry: Date;
  readonly cert_subject: string;
  readonly key_type: string | null;
}

/** Reads the facts of PEM texts. @throws InvalidInput for what is no certificate, no key, or not a pair */
export function readFacts(certificateData: string, keyData: string): CertificateFacts {
  const certificate = readCertificate(certificateData);
  if (keyData !== '') checkPair(certificate, keyData);
  return {
    fingerprint_sha256: certificate.fingerprint256.toLowerCase(),
    fingerprint_sha1: certificate.fingerprint.toLowerCase(),
    cert_expiry: new Date(certificate.validTo),
    cert_subject: subjectOf(certificate),
    key_type: certificate.publicKey.asymmetricKeyType ?? null,
  };
}

export function subjectOf({ subject }: X509Certificate): string {
  return textOfName(subject);
}

/** RFC 4514, which puts the last component first. @param name as node:crypto shows it */
export function textOfName(name: string): string {
  return name.split('\n').reverse().join(',');
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalidField('certificate_data', 'Unable to load certificate.');
  }
}

function checkPair(certificate: X509Certificate, keyData: string): void {
  try {
    if (certificate.checkPrivateKey(createPrivateKey(keyData))) return;
  } catch {
    throw invalidField('key_data', 'Unable to load private key (possibly encrypted?).');
  }
  throw invalidField('key_data', 'The private key does not belong to the certificate.');
}

/** Key id of JWKS: base64url of SHA-512 over the key's PEM text. */
export function keyId(keyData: string): string {
  return createHash('sha512').update(keyData, 'utf8').digest('base64url');
}
