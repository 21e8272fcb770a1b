// Client certificates checked here (radius.md B14): chain to a configured authority, validity, purpose, revocation list; then
// one field of the certificate names the user whom the core is asked about. Dates and lists are looked at each time, signatures
// when a certificate is first seen; what cannot be checked is refused. The one file of this package that imports
// @peculiar/x509, for lists, which Node cannot read.
import { X509Certificate } from 'node:crypto';
import {
  alternativeNames,
  clientChain,
  commonName,
  oneLine,
  outOfDate,
  pemBlocks,
} from '@gatehouse/daemon/certificates';
import * as x509 from '@peculiar/x509';
import type { CertificateVerdict } from '../authentication/claim.ts';

/** Where the user's name stands in the certificate. */
export type UserField = 'cn' | 'email' | 'upn' | 'dns';
export const userFields = ['cn', 'email', 'upn', 'dns'] as const;

export interface Authority {
  /** Whom a certificate belongs to, or why it is refused. @param own what the peer sent along hangs at it */
  judge(own: X509Certificate, nowMs: number): CertificateVerdict;
  readonly subjects: readonly string[];
  /** When the first of the revocation lists runs out; `undefined` without lists. */
  readonly listsEndMs: number | undefined;
}

export interface AuthorityFiles {
  /** One or several certificates. */
  readonly caPem: string;
  /** Revocation lists; with one, every certificate needs the list of its issuer. */
  readonly crlPem: string | undefined;
  readonly userField: UserField;
}

/** Of what the peer sent along as many are looked at as a chain may have. */
const maxSentAlong = 8;

/** @throws Error for files of another form, and for lists that no authority has signed */
export async function createAuthority({ caPem, crlPem, userField }: AuthorityFiles): Promise<Authority> {
  const roots = pemBlocks(caPem, 'CERTIFICATE').map((pem) => new X509Certificate(pem));
  if (roots.length === 0) throw new Error('the authority file holds no certificate');
  const lists = crlPem === undefined ? undefined : await readLists(crlPem, roots);
  // Reading one costs a millisecond; its dates and the lists are looked at each time. Gone with these files.
  const known = new Map<string, KnownCertificate>();
  return {
    subjects: roots.map(({ subject }) => subject),
    listsEndMs: lists === undefined ? undefined : Math.min(...lists.map(({ endMs }) => endMs)),
    judge(own, nowMs) {
      try {
        const { fingerprint256 } = own;
        const found = known.get(fingerprint256) ?? readCertificate(own, roots, userField);
        if ('reason' in found) return { kind: 'refused', reason: found.reason };
        const reason = reasonAgainst(found.chain, lists, nowMs);
        if (reason !== undefined) return { kind: 'refused', reason };
        if (known.size >= maxKnown) known.clear();
        known.set(fingerprint256, found);
        return { kind: 'claim', claim: { kind: 'local_certificate', username: found.username } };
      } catch (error) {
        return { kind: 'refused', reason: `the certificate cannot be read: ${String(error)}` };
      }
    },
  };
}

/** What of a certificate never changes: its chain to a configured authority, each signature checked, and its user. */
interface KnownCertificate {
  /** The client's own first, the last authority at the end. */
  readonly chain: readonly X509Certificate[];
  readonly username: string;
}

/** Some 2 KiB each. */
const maxKnown = 10_000;

function readCertificate(
  own: X509Certificate,
  roots: readonly X509Certificate[],
  field: UserField,
): KnownCertificate | { readonly reason: string } {
  const chain = clientChain(own, { trusted: roots, sentAlong: sentAlong(own) });
  if (typeof chain === 'string') return { reason: chain };
  const username = nameIn(own, field);
  return username === undefined || username === ''
    ? { reason: `the certificate has no ${field} to name a user` }
    : { chain, username };
}

/** What changes with time: dates, and the revocation lists. */
function reasonAgainst(
  chain: readonly X509Certificate[],
  lists: readonly RevocationList[] | undefined,
  nowMs: number,
): string | undefined {
  for (const [depth, certificate] of chain.entries()) {
    const issuer = chain[depth + 1];
    const reason =
      outOfDate(certificate, nowMs) ??
      (issuer === undefined ? undefined : reasonInLists(certificate, issuer, lists, nowMs));
    if (reason !== undefined) return reason;
  }
  return undefined;
}

function sentAlong(leaf: X509Certificate): X509Certificate[] {
  const others: X509Certificate[] = [];
  for (let one = leaf.issuerCertificate; one !== undefined && others.length < maxSentAlong; one = one.issuerCertificate)
    others.push(one);
  return others;
}

interface RevocationList {
  readonly issuer: X509Certificate;
  /** Serial numbers, hex without leading zeros, lower case. */
  readonly serials: ReadonlySet<string>;
  readonly endMs: number;
}

function reasonInLists(
  certificate: X509Certificate,
  issuer: X509Certificate,
  lists: readonly RevocationList[] | undefined,
  nowMs: number,
): string | undefined {
  if (lists === undefined) return undefined;
  const list = lists.find((one) => one.issuer.fingerprint256 === issuer.fingerprint256);
  if (list === undefined) return `there is no revocation list of ${oneLine(issuer.subject)}`;
  if (nowMs > list.endMs) return `the revocation list of ${oneLine(issuer.subject)} has run out`;
  return list.serials.has(plainSerial(certificate.serialNumber)) ? 'the certificate is revoked' : undefined;
}

async function readLists(crlPem: string, roots: readonly X509Certificate[]): Promise<RevocationList[]> {
  const blocks = pemBlocks(crlPem, 'X509 CRL');
  if (blocks.length === 0) throw new Error('the revocation file holds no list');
  return Promise.all(blocks.map((pem) => readList(new x509.X509Crl(pem), roots)));
}

async function readList(crl: x509.X509Crl, roots: readonly X509Certificate[]): Promise<RevocationList> {
  for (const issuer of roots) {
    const publicKey = new x509.X509Certificate(issuer.raw);
    if (!(await crl.verify({ publicKey }).catch(() => false))) continue; // a key of another kind: not its issuer
    return {
      issuer,
      serials: new Set(crl.entries.map(({ serialNumber }) => plainSerial(serialNumber))),
      endMs: crl.nextUpdate?.getTime() ?? Number.POSITIVE_INFINITY,
    };
  }
  throw new Error(`no configured authority has signed the revocation list of ${crl.issuer}`);
}

function nameIn(leaf: X509Certificate, field: UserField): string | undefined {
  return field === 'cn' ? commonName(leaf) : alternativeNames(leaf, field)[0];
}

function plainSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}
