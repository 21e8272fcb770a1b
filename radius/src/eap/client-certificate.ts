// Client certificates checked here (radius.md B14): chain to a configured authority, validity, purpose, revocation list; then
// one field of the certificate names the user whom the core is asked about. Dates and lists are looked at each time, signatures
// when a certificate is first seen; what cannot be checked is refused. The one file of this package that imports
// @peculiar/x509, for fields and lists Node cannot read.
import { X509Certificate } from 'node:crypto';
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

/** Authorities between a client and the last one; more is no chain that anybody runs. */
const maxDepth = 8;
const clientAuthentication = '1.3.6.1.5.5.7.3.2';
const anyPurpose = '2.5.29.37.0';

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
  const chain = chainOf(own, roots);
  if (typeof chain === 'string') return { reason: chain };
  const username = nameIn(own, field);
  return username === undefined || username === ''
    ? { reason: `the certificate has no ${field} to name a user` }
    : { chain, username };
}

/** From the leaf to an authority, over what the peer sent along. @returns why there is no such chain, as text */
function chainOf(leaf: X509Certificate, roots: readonly X509Certificate[]): readonly X509Certificate[] | string {
  if (leaf.ca) return 'the certificate is an authority’s, not a client’s';
  const purposes: readonly string[] | undefined = leaf.keyUsage;
  if (purposes !== undefined && !purposes.includes(clientAuthentication) && !purposes.includes(anyPurpose))
    return 'the certificate is not meant for client authentication';
  const chain = [leaf];
  let current = leaf;
  for (let depth = 0; depth <= maxDepth; depth++) {
    const issuer = issuerOf(current, roots) ?? issuerOf(current, sentAlong(leaf));
    if (issuer === undefined) return `no configured authority has signed it (issuer ${oneLine(current.issuer)})`;
    if (!issuer.ca) return `the issuer ${oneLine(issuer.subject)} is no authority`;
    // Only a chain with authorities in it can break the rule.
    if (depth > 0 && depth > pathLength(issuer))
      return `the issuer ${oneLine(issuer.subject)} must not have authorities below it`;
    chain.push(issuer);
    // A configured authority that stands below another configured one may have been revoked by it.
    if (roots.includes(issuer) && issuerOf(issuer, roots) === undefined) return chain;
    current = issuer;
  }
  return 'the chain does not end';
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
  for (let one = leaf.issuerCertificate; one !== undefined && others.length < maxDepth; one = one.issuerCertificate)
    others.push(one);
  return others;
}

function issuerOf(certificate: X509Certificate, candidates: readonly X509Certificate[]): X509Certificate | undefined {
  return candidates.find(
    (candidate) =>
      candidate !== certificate && certificate.checkIssued(candidate) && certificate.verify(candidate.publicKey),
  );
}

/** How many authorities may stand between this one and a client (RFC 5280 §4.2.1.9). */
function pathLength(authority: X509Certificate): number {
  const constraints = new x509.X509Certificate(authority.raw).getExtension(x509.BasicConstraintsExtension);
  return constraints?.pathLength ?? Number.POSITIVE_INFINITY;
}

function outOfDate(certificate: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < Date.parse(certificate.validFrom))
    return `${oneLine(certificate.subject)} is not valid before ${certificate.validFrom}`;
  if (nowMs > Date.parse(certificate.validTo))
    return `${oneLine(certificate.subject)} expired on ${certificate.validTo}`;
  return undefined;
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
  if (field === 'cn') {
    const name: unknown = leaf.toLegacyObject().subject.CN;
    return typeof name === 'string' ? name : undefined; // several are a list, and name nobody
  }
  const certificate = new x509.X509Certificate(leaf.raw);
  const names = certificate.getExtension(x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  return names.find(({ type }) => type === field)?.value;
}

function pemBlocks(text: string, label: string): string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[\\s\\S]+?-----END ${label}-----`, 'g')) ?? [];
}

function plainSerial(hex: string): string {
  return hex.toLowerCase().replace(/^0+(?=.)/, '');
}

function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}
