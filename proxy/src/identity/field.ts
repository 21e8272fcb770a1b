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

/**
 * A value for applications that cannot read bytes beyond ASCII (WISHES P11). What is ASCII stays as it is, except a percent
 * sign under `percent` and what looks like an encoded word under `rfc2047`, so that everything reads back.
 */
export function encodedValue(text: string, encoding: 'raw' | 'percent' | 'rfc2047'): string {
  if (encoding === 'raw') return fieldValue(text);
  const clean = text.replace(/(?!\t)\p{Cc}/gu, '');
  if (encoding === 'percent') return clean.replace(/[^\x20-\x24\x26-\x7e\t]+/g, (part) => percentEncoded(part));
  if (/^[\x20-\x7e\t]*$/.test(clean) && !clean.includes('=?')) return clean;
  return encodedWords(clean);
}

function percentEncoded(text: string): string {
  return [...Buffer.from(text, 'utf8')].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

/** RFC 2047 §2: words of at most 75 characters, each whole characters. */
function encodedWords(text: string): string {
  const words: string[] = [];
  let part = '';
  for (const letter of text) {
    if (Buffer.byteLength(part + letter, 'utf8') > 45) {
      words.push(part);
      part = '';
    }
    part += letter;
  }
  words.push(part);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word, 'utf8').toString('base64')}?=`).join(' ');
}
