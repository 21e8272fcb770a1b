// How outposts and reverse proxies write client certificates into headers. Whether they may be believed is not decided here.
import { X509Certificate } from 'node:crypto';
import { pemBlocks } from '@gatehouse/daemon/certificates';

export interface HeaderCertificates {
  readonly leaf: X509Certificate;
  /** Authorities that came with it. */
  readonly sentAlong: readonly X509Certificate[];
}

/** Of outposts (radius.md §8.5): the leaf, escaped like a form. */
export const outpostHeader = 'x-authentik-outpost-certificate';

/** Names in lower case, and how their values hold PEM blocks. */
const forms: ReadonlyMap<string, (value: string) => readonly string[]> = new Map([
  [outpostHeader, (value: string) => pemBlocks(percentDecoded(value), 'CERTIFICATE')],
  // nginx: $ssl_client_escaped_cert; ingress-nginx writes the same.
  ['ssl-client-cert', (value: string) => pemBlocks(percentDecoded(value), 'CERTIFICATE')],
  // Traefik, PassTLSClientCert: the base64 of each block, of several with commas; older ones escape it.
  ['x-forwarded-tls-client-cert', (value: string) => decodeURIComponent(value).split(',').map(framed)],
  // Envoy, and our router, which has an element for each certificate of a chain.
  [
    'x-forwarded-client-cert',
    (value: string) =>
      pairsOf(value)
        .filter(([name]) => /^(?:cert|chain)$/i.test(name))
        .flatMap(([, escaped]) => pemBlocks(percentDecoded(escaped), 'CERTIFICATE')),
  ],
]);

export const proxyHeaders: readonly string[] = [...forms.keys()].filter((name) => name !== outpostHeader);

/** Longer than any chain that is used; Node limits headers to 16 KiB before. */
const mostCertificates = 10;

/** @returns what is wrong with the value, as text */
export function readCertificateHeader(name: string, value: string): HeaderCertificates | string {
  try {
    const all = [...new Set(forms.get(name)?.(value))];
    if (all.length > mostCertificates) return `${name} holds ${all.length} certificates`;
    const certificates = all.map((pem) => new X509Certificate(pem));
    const [leaf, another] = certificates.filter(({ ca }) => !ca);
    // A proxy that passes on what its client wrote, and adds what it has seen itself: nobody can tell which is which.
    if (another !== undefined) return `${name} holds certificates of several clients`;
    if (leaf === undefined) return `${name} holds no client's certificate`;
    return { leaf, sentAlong: certificates.filter(({ ca }) => ca) };
  } catch {
    return `${name} cannot be read`;
  }
}

/**
 * Names and values of all elements, which commas separate, of pairs, which semicolons do. Quoted values may hold both, and names
 * in certificates do: what stands in them is never a pair. @throws Error for a quote that does not end
 */
function pairsOf(value: string): readonly (readonly [string, string])[] {
  const pair = /([^=,;"]*)(?:=(?:"((?:[^"\\]|\\.)*)"|([^,;"]*)))?(?:[,;]|$)/y;
  const pairs: (readonly [string, string])[] = [];
  while (pair.lastIndex < value.length) {
    const found = pair.exec(value);
    if (found === null) throw new Error('not pairs');
    const [, name = '', quoted, plain = ''] = found;
    pairs.push([name.trim(), quoted ?? plain]);
  }
  return pairs;
}

/** RFC 3986 §2.1, with `+` for blanks as forms have it; no base64 goes through unescaped. */
function percentDecoded(value: string): string {
  return decodeURIComponent(value.replaceAll('+', ' '));
}

function framed(base64: string): string {
  const lines = base64.trim().replace(/(.{64})/g, '$1\n');
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}
