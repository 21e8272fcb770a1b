// Whom a certificate names: one user, or nobody.
import type { X509Certificate } from 'node:crypto';
import { commonName, mailAddresses } from '@gatehouse/daemon/certificates';
import { subjectOf } from '../../crypto/certificates.ts';
import type { Statement } from '../../database/connection.ts';
import type { CoreDeps } from '../../deps.ts';
import { anonymousUsername, type UserRecord } from '../../identity/users.ts';

/** What the stage looks for in the certificate, in its words. Several addresses may stand in one. */
export function namesIn(leaf: X509Certificate, attribute: unknown): readonly string[] {
  if (attribute === 'email') return mailAddresses(leaf).filter((name) => name !== '');
  const name = attribute === 'common_name' ? commonName(leaf) : attribute === 'subject' ? subjectOf(leaf) : undefined;
  return name === undefined || name === '' ? [] : [name];
}

export type Owner = { readonly user: UserRecord } | { readonly reason: string };

/** The one active user with any of these names, whose case does not count unless it tells two apart. */
export async function ownerOf(deps: CoreDeps, names: readonly string[], attribute: unknown): Promise<Owner> {
  const statement = attribute === 'email' ? byMail : byUsername;
  const found = await deps.database.rows(statement, [names.map((name) => name.toLowerCase())]);
  const exact = found.filter((user) => names.includes(attribute === 'email' ? user.email : user.username));
  const [user, another] = exact.length === 1 ? exact : found;
  const named = `${attribute === 'email' ? 'the address' : 'the name'} ${names.join(', ')}`;
  if (user === undefined) return { reason: `nobody has ${named}` };
  if (another !== undefined) return { reason: `several users have ${named}` };
  return user.is_active ? { user } : { reason: `${user.username} is not active` };
}

const named = (column: string) =>
  `select * from users where lower(${column}) = any($1) and username <> '${anonymousUsername}' order by id limit 10`;
const byUsername: Statement<UserRecord> = { name: 'users: of names in any case', text: named('username') };
const byMail: Statement<UserRecord> = { name: 'users: of addresses in any case', text: named('email') };
