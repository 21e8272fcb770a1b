// Where a visitor may be sent by a parameter anybody can write.

/** On this site in every browser's reading: one slash, no scheme, no backslash, no control character. */
export function isRelative(target: string): boolean {
  return /^\/(?![/\\])[^\\\p{Cc}]*$/u.test(target);
}
