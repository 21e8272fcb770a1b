// Does the content keep what the extension promises (files.md F51, §15.2 "Magic bytes")? HTML named `.png` is refused.
import { contentTypeOf } from './content-types.ts';
import { storageError } from './errors.ts';

/** How many leading bytes `checkContent` wants to see. */
export const sniffBytes = 4096;

const allowed = new Set([
  'image/png',
  'image/jpeg',
  'image/gif',
  'image/webp',
  'image/avif',
  'image/vnd.microsoft.icon',
  'image/svg+xml',
  'font/woff2',
  'font/woff',
]);

/**
 * Refuses content that is not of the type its name claims, and types outside the media allow-list.
 * @param head the first bytes, up to `sniffBytes`
 * @throws GatewayError `ERR_STORAGE_TYPE_REJECTED`
 */
export function checkContent(name: string, head: Uint8Array, options: { readonly allowAnyType: boolean }): void {
  const claimed = contentTypeOf(name);
  const actual = sniff(head);
  if (allowed.has(claimed)) {
    if (actual !== claimed)
      throw rejected(name, `its name promises ${claimed}, its content is ${actual ?? 'something else'}`);
    return;
  }
  if (!options.allowAnyType) throw rejected(name, `${claimed} is not among the media types`);
}

/** The type that the first bytes give away, or `undefined`. */
export function sniff(head: Uint8Array): string | undefined {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  const ascii = bytes.toString('latin1');
  if (ascii.startsWith('\x89PNG\r\n\x1a\n')) return 'image/png';
  if (ascii.startsWith('\xff\xd8\xff')) return 'image/jpeg';
  if (/^GIF8[79]a/.test(ascii)) return 'image/gif';
  if (/^RIFF.{4}WEBP/s.test(ascii)) return 'image/webp';
  if (/^.{4}ftypavi[fs]/s.test(ascii)) return 'image/avif';
  if (ascii.startsWith('\x00\x00\x01\x00')) return 'image/vnd.microsoft.icon';
  if (ascii.startsWith('wOF2')) return 'font/woff2';
  if (ascii.startsWith('wOFF')) return 'font/woff';
  return /^(?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*<svg[\s>]/s.test(ascii)
    ? 'image/svg+xml'
    : undefined;
}

function rejected(name: string, why: string) {
  const hint = 'Upload a png, jpeg, gif, webp, avif, ico, svg or woff2 file, or set storage.media.allow_any_type.';
  return storageError('ERR_STORAGE_TYPE_REJECTED', `File "${name}" is refused: ${why}.`, hint);
}
