// Paths for decisions (proxy.md §12.2, §2.7): decoded once, backslash is a slash, no doubled slash, no dot segment. What is
// forwarded upstream is always the raw text; only skip rules and reserved-path checks read this. Called by target-uri.ts.

declare const brand: unique symbol;
/** Decoded once, dot segments resolved, slashes merged; begins with `/`. */
export type NormalisedPath = string & { readonly [brand]: 'NormalisedPath' };

/**
 * Percent-decodes once, bytes read as UTF-8.
 * @param raw latin1 text as node:http gives it
 * @returns `undefined` for a broken escape or a control character: such a path matches no rule
 */
export function decodeOnce(raw: string): string | undefined {
  if (!/%|[^\x21-\x7e]/.test(raw)) return raw;
  if (/%(?![\da-fA-F]{2})/.test(raw)) return undefined;
  const bytes = raw.replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  const text = Buffer.from(bytes, 'latin1').toString('utf8');
  return hasControl(text) ? undefined : text;
}

/** @param decoded a path that was decoded once */
export function normalisePath(decoded: string): NormalisedPath {
  if (decoded.startsWith('/') && !/\\|\/[/.]/.test(decoded)) return decoded as NormalisedPath; // nothing to resolve
  const segments: string[] = [];
  const parts = decoded.replaceAll('\\', '/').split('/');
  for (const part of parts) {
    if (part === '' || part === '.') continue;
    if (part === '..') segments.pop();
    else segments.push(part);
  }
  const last = parts.at(-1);
  const isFolder = segments.length > 0 && (last === '' || last === '.' || last === '..');
  return `/${segments.join('/')}${isFolder ? '/' : ''}` as NormalisedPath; // the one constructor of the brand
}

function hasControl(text: string): boolean {
  for (const letter of text) {
    const code = letter.codePointAt(0) ?? 0;
    if (code < 0x20 || code === 0x7f) return true;
  }
  return false;
}
