// Whether a client's certificate hangs at an authority we were told to trust (RFC 5280 §6): every signature, who may sign and
// for what, how deep. What cannot be checked here, such as name constraints, is refused. Dates are looked at separately, since
// they alone change; revocation lists are the caller's.
import type { X509Certificate } from 'node:crypto';
import { oneLine } from './names.ts';
import { x509 } from './x509.ts';

export interface Issuers {
  /** Who is trusted. */
  readonly trusted: readonly X509Certificate[];
  /** Authorities in between that somebody sent along; each counts only as far as its signatures do. */
  readonly sentAlong: readonly X509Certificate[];
}

/** Authorities between a client and the last one; more is no chain that anybody runs. */
const maxDepth = 8;
const clientAuthentication = '1.3.6.1.5.5.7.3.2';
const anyPurpose = '2.5.29.37.0';

/**
 * From the leaf to the last trusted authority. Takes about a millisecond, which callers who see the same one often may save:
 * nothing of it changes with time.
 * @returns why there is no such chain, as text
 */
export function clientChain(
  leaf: X509Certificate,
  { trusted, sentAlong }: Issuers,
): readonly X509Certificate[] | string {
  const reason = reasonAgainstLeaf(leaf);
  if (reason !== undefined) return reason;
  const chain = [leaf];
  const others = sentAlong.slice(0, maxDepth);
  let current = leaf;
  for (let depth = 0; depth <= maxDepth; depth++) {
    const issuer = issuerOf(current, trusted) ?? issuerOf(current, others);
    if (issuer === undefined) return `no configured authority has signed it (issuer ${oneLine(current.issuer)})`;
    const wrong = reasonAgainstIssuer(issuer, depth);
    if (wrong !== undefined) return `the issuer ${oneLine(issuer.subject)} ${wrong}`;
    chain.push(issuer);
    // A trusted authority that stands below another trusted one may have been revoked by it.
    if (trusted.includes(issuer) && issuerOf(issuer, trusted) === undefined) return chain;
    current = issuer;
  }
  return 'the chain does not end';
}

/** Why this certificate counts for nothing now; `undefined` if it does count. */
export function outOfDate(certificate: X509Certificate, nowMs: number): string | undefined {
  if (nowMs < Date.parse(certificate.validFrom))
    return `${oneLine(certificate.subject)} is not valid before ${certificate.validFrom}`;
  if (nowMs > Date.parse(certificate.validTo))
    return `${oneLine(certificate.subject)} expired on ${certificate.validTo}`;
  return undefined;
}

function reasonAgainstLeaf(leaf: X509Certificate): string | undefined {
  if (leaf.ca) return 'the certificate is an authority’s, not a client’s';
  if (!isForClients(leaf)) return 'the certificate is not meant for client authentication';
  const read = new x509.X509Certificate(leaf.raw);
  const uses = read.getExtension(x509.KeyUsagesExtension)?.usages;
  if (uses !== undefined && (uses & (x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyAgreement)) === 0)
    return 'the key of the certificate is not meant for signatures';
  const wrong = reasonInBoth(read);
  return wrong === undefined ? undefined : `the certificate ${wrong}`;
}

function reasonAgainstIssuer(issuer: X509Certificate, depth: number): string | undefined {
  if (!issuer.ca) return 'is no authority';
  if (!isForClients(issuer)) return 'is not meant for client authentication';
  const read = new x509.X509Certificate(issuer.raw);
  // How many may stand between it and a client (RFC 5280 §4.2.1.9).
  const pathLength = read.getExtension(x509.BasicConstraintsExtension)?.pathLength ?? Number.POSITIVE_INFINITY;
  if (depth > pathLength) return 'must not have authorities below it';
  const isSelfSigned = read.subject === read.issuer;
  return reasonInBoth(read, { anySignature: isSelfSigned });
}

/** Purposes of an authority bind those it signs, as other implementations hold it. */
function isForClients({ keyUsage: purposes }: { readonly keyUsage: readonly string[] | undefined }): boolean {
  return purposes === undefined || purposes.includes(clientAuthentication) || purposes.includes(anyPurpose);
}

function reasonInBoth(read: x509.X509Certificate, { anySignature = false } = {}): string | undefined {
  const unknown = read.extensions.find(
    ({ type, critical }) => type === nameConstraints || (critical && !known.has(type)),
  );
  if (unknown?.type === nameConstraints) return 'limits names, which is not checked here';
  if (unknown !== undefined) return `has the critical extension ${unknown.type}, which is not understood here`;
  const digest = read.signatureAlgorithm.hash?.name;
  const isForgeable = digest !== undefined && /^(?:md5|sha-?1)$/i.test(digest);
  return isForgeable && !anySignature ? `is signed with ${digest}, which can be forged` : undefined;
}

const nameConstraints = '2.5.29.30';
/** Extensions that are looked at, or that cannot make a certificate mean less (RFC 5280 §4.2). */
const known: ReadonlySet<string> = new Set([
  '2.5.29.14', // subject key identifier
  '2.5.29.15', // key usage
  '2.5.29.17', // alternative names
  '2.5.29.19', // basic constraints
  '2.5.29.31', // where revocation lists are
  '2.5.29.32', // policies, of which we ask for none
  '2.5.29.35', // authority key identifier
  '2.5.29.37', // extended key usage
]);

function issuerOf(certificate: X509Certificate, candidates: readonly X509Certificate[]): X509Certificate | undefined {
  return candidates.find(
    (candidate) =>
      candidate.fingerprint256 !== certificate.fingerprint256 &&
      certificate.checkIssued(candidate) &&
      certificate.verify(candidate.publicKey),
  );
}
