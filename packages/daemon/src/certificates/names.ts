// Who a certificate says it is of, and texts that hold certificates.
import type { X509Certificate } from 'node:crypto';
import { x509 } from './x509.ts';

/** The common name; `undefined` without one, and for several, which name nobody. */
export function commonName(certificate: X509Certificate): string | undefined {
  return textOf(certificate.toLegacyObject().subject.CN);
}

/** Values of the alternative names of this type, in order (RFC 5280 §4.2.1.6). */
export function alternativeNames(certificate: X509Certificate, type: 'email' | 'dns' | 'upn'): readonly string[] {
  const names = new x509.X509Certificate(certificate.raw).getExtension(x509.SubjectAlternativeNameExtension);
  return (names?.names.items ?? []).filter((name) => name.type === type).map(({ value }) => value);
}

/** The addresses among the alternative names; in certificates of old form, without any, that of the subject (RFC 8550 §3). */
export function mailAddresses(certificate: X509Certificate): readonly string[] {
  const addresses = alternativeNames(certificate, 'email');
  if (addresses.length > 0) return addresses;
  const old = textOf(Reflect.get(certificate.toLegacyObject().subject, 'emailAddress'));
  return old === undefined ? [] : [old];
}

/** A name of several lines, as node:crypto shows it, on one. */
export function oneLine(name: string): string {
  return name.replaceAll('\n', ', ');
}

/** Every block with this label in a text (RFC 7468). */
export function pemBlocks(text: string, label: string): readonly string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[\\s\\S]+?-----END ${label}-----`, 'g')) ?? [];
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined; // several are a list
}
