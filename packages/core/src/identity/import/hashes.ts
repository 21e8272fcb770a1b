// Hashes of passwords from elsewhere, as we keep them: directories' `{SCHEME}…` (RFC 2307 §5.3 and its descendants), bcrypt,
// and those of Django.

const directory = /^\{(SHA|SSHA|SHA256|SSHA256|SHA384|SSHA384|SHA512|SSHA512)\}([A-Za-z0-9+/=]+)$/i;
const django = /^(?:pbkdf2_sha256|pbkdf2_sha1|argon2|scrypt|bcrypt_sha256|bcrypt)\$/;

/** Encoded for the users table; `undefined` for what cannot be checked here (MD5, DES, SHA-crypt). */
export function keepHash(hash: string): string | undefined {
  const text = hash.trim();
  if (django.test(text)) return text;
  const [, scheme, value] = directory.exec(text) ?? [];
  if (scheme !== undefined && value !== undefined) return `ldap$${scheme.toUpperCase()}$${value}`;
  const bare = text.replace(/^\{(?:CRYPT|BCRYPT|BLF-CRYPT|ARGON2)\}/i, '');
  if (/^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/.test(bare)) return `bcrypt$${bare}`;
  if (/^\$argon2(?:id|i|d)\$/.test(bare)) return `argon2${bare}`;
  return undefined;
}

/** Unsalted SHA-256 in hex, as glauth has it. */
export function keepSha256(hex: string): string | undefined {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return undefined;
  return `ldap$SHA256$${Buffer.from(hex, 'hex').toString('base64')}`;
}
