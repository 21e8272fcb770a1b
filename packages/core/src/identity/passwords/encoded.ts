// Password hashes in Django's formats (core.md §12.2): made as argon2id, compared in any of them. Both keep their thread busy
// for as long as they take; only threads for hashing call them.
import { createHash, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { hashSync as hashArgon2, verifySync as verifyArgon2 } from '@node-rs/argon2';
import { verifySync as verifyBcrypt } from '@node-rs/bcrypt';

/** OWASP's minimum for argon2id (the library's own choice of variant): 19 MiB, two passes, one lane. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
/** How every hash begins that is made now. */
export const preferred = 'argon2$argon2id$v=19$m=19456,t=2,p=1$';
const maxIterations = 10_000_000;

type Verify = (password: string, rest: string) => boolean;

const verifiers: Readonly<Record<string, Verify>> = {
  pbkdf2_sha256: (password, rest) => pbkdf2Matches('sha256', password, rest),
  pbkdf2_sha1: (password, rest) => pbkdf2Matches('sha1', password, rest),
  argon2: (password, rest) => verifyArgon2(`$${rest}`, password),
  scrypt: scryptMatches,
  bcrypt_sha256: (password, rest) =>
    verifyBcrypt(createHash('sha256').update(password, 'utf8').digest('hex'), rest.replace(/^\$/, '$')),
  bcrypt: (password, rest) => verifyBcrypt(password, rest.startsWith('$') ? rest : `$${rest}`),
  ldap: directoryMatches,
};

export function makeHash(password: string): string {
  return `argon2${hashArgon2(password, cost)}`;
}

/** Takes 10 to 200 ms of a core by design. False for unusable and unknown encodings. */
export function passwordMatches(password: string, encoded: string): boolean {
  const at = encoded.indexOf('$');
  const algorithm = encoded.slice(0, Math.max(0, at));
  const verify = Object.hasOwn(verifiers, algorithm) ? verifiers[algorithm] : undefined;
  if (verify === undefined) return false;
  try {
    return verify(password, encoded.slice(at + 1));
  } catch {
    return false; // a hash that cannot be read matches nothing
  }
}

/** True for `!…` and the empty text: no password ever matches. */
export function isUsable(encoded: string): boolean {
  return encoded !== '' && !encoded.startsWith('!');
}

function pbkdf2Matches(digest: 'sha256' | 'sha1', password: string, rest: string): boolean {
  const [iterations = '', salt = '', hash = ''] = rest.split('$');
  const rounds = Number(iterations);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > maxIterations) return false;
  const expected = Buffer.from(hash, 'base64');
  return same(pbkdf2Sync(password, salt, rounds, expected.length, digest), expected);
}

function scryptMatches(password: string, rest: string): boolean {
  const [N = '', salt = '', r = '', p = '', hash = ''] = rest.split('$');
  const expected = Buffer.from(hash, 'base64');
  const work = { N: Number(N), r: Number(r), p: Number(p), maxmem: 256 * 1024 * 1024 };
  return same(scryptSync(password, salt, expected.length, work), expected);
}

/** `SSHA512$<base64 of digest and salt>`: what directories keep (RFC 2307 and its descendants). */
function directoryMatches(password: string, rest: string): boolean {
  const [scheme = '', value = ''] = rest.split('$');
  const digest = { SHA: 'sha1', SHA256: 'sha256', SHA384: 'sha384', SHA512: 'sha512' }[scheme.replace(/^SSHA/, 'SHA')];
  if (digest === undefined) return false;
  const bytes = Buffer.from(value, 'base64');
  const length = createHash(digest).digest().length;
  const salt = scheme.startsWith('SSHA') ? bytes.subarray(length) : Buffer.alloc(0);
  const derived = createHash(digest).update(password, 'utf8').update(salt).digest();
  return same(derived, bytes.subarray(0, length)) && (scheme.startsWith('SSHA') || bytes.length === length);
}

function same(one: Buffer, other: Buffer): boolean {
  return one.length === other.length && one.length > 0 && timingSafeEqual(one, other);
}
