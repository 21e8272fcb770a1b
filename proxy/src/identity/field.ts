// Field names and values (RFC 9110 §5): what counts as the same name to a back end, and what may be put into a value.

/**
 * The name under which CGI, WSGI and friends would read a header: case, underscores and dots make no difference there, so
 * they must make none when spoofed headers are removed (CVE-2025-64484, CVE-2026-88011).
 */
export function fieldKey(name: string): string {
  return name.toLowerCase().replace(/[_.]/g, '-');
}

export function isFieldName(name: string): boolean {
  return /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/.test(name);
}

/** Bytes of UTF-8 as the latin1 text that node:http writes; CR, LF, NUL and other controls are removed (proxy.md §9.2). */
export function fieldValue(text: string): string {
  const clean = text.replace(/(?!\t)\p{Cc}/gu, '');
  return /[^\x20-\x7e\t]/.test(clean) ? Buffer.from(clean, 'utf8').toString('latin1') : clean;
}

/** Text that was read from a header: the latin1 text of node:http as UTF-8. */
export function fieldText(value: string): string {
  return /[\x80-\xff]/.test(value) ? Buffer.from(value, 'latin1').toString('utf8') : value;
}
