// Names with a content hash or the release's version never change their content (router.md R17).

/** @param version of the release; empty: hashes only */
export function isImmutable(name: string, version: string): boolean {
  const file = name.slice(name.lastIndexOf('/') + 1);
  const hashed = /[-.](?:(?=[^.]*\d)[A-Z0-9a-z]{8,}|[A-Z2-7]{8})\.[a-z0-9.]+$/; // the bundler's hashes need no digit
  return hashed.test(file) || (version !== '' && file.includes(`-${version}.`));
}
