// What a password is compared with (core.md §15.6): the stored hash, or the user's app passwords.
import type { CoreDeps } from '../deps.ts';
import type { UserRecord } from '../identity/users.ts';

export interface PassedBackend {
  readonly name: string;
  /** Value of `auth_method`. */
  readonly method: 'password' | 'token';
}

export const inbuilt = 'authentik.core.auth.InbuiltBackend';
export const appPassword = 'authentik.core.auth.TokenBackend';
export const knownBackends = [
  inbuilt,
  appPassword,
  'authentik.sources.ldap.auth.LDAPBackend',
  'authentik.sources.kerberos.auth.KerberosBackend',
] as const;

export function backendsOf(settings: Readonly<Record<string, unknown>>): readonly string[] {
  const backends = settings['backends'];
  return Array.isArray(backends) ? backends.map(String) : [];
}

/** Those before the first that hashes, which may be asked while nobody knows yet whether a hash is allowed; and the others. */
export function inTwo(backends: readonly string[]) {
  const at = backends.includes(inbuilt) ? backends.indexOf(inbuilt) : backends.length;
  return { hashless: backends.slice(0, at), others: backends.slice(at) };
}

/** The first backend, in order, that accepts the password; inactive users pass none. */
export async function authenticate(
  deps: CoreDeps,
  backends: readonly string[],
  user: UserRecord | undefined,
  password: string,
): Promise<PassedBackend | undefined> {
  for (const name of backends) {
    if (name === inbuilt && (await hashMatches(deps, user, password))) return { name, method: 'password' };
    if (name === appPassword && user?.is_active === true && (await ownsAppPassword(deps, user, password)))
      return { name, method: 'token' };
  }
  return undefined;
}

async function hashMatches(deps: CoreDeps, user: UserRecord | undefined, password: string): Promise<boolean> {
  const matches = await deps.passwords.check(password, user?.password ?? '!');
  if (!matches || user === undefined || !user.is_active) return false;
  if (deps.passwords.isOutdated(user.password)) {
    const password_hash = await deps.passwords.make(password);
    await deps.database.kysely
      .updateTable('users')
      .set({ password: password_hash })
      .where('id', '=', user.id)
      .where('password', '=', user.password)
      .execute();
  }
  return true;
}

async function ownsAppPassword({ database, clock }: CoreDeps, user: UserRecord, key: string): Promise<boolean> {
  if (key === '') return false;
  return (await database.rows(appPasswordOf, [user.id, key, new Date(clock.now())])).length > 0;
}

const appPasswordOf = {
  name: 'token: app password of a user',
  text: `select uuid from tokens where user_id = $1 and intent = 'app_password' and key = $2 and (not expiring or expires > $3)`,
  isBrief: true,
} as const;
