// Where a login of another organisation is decided: the realm in a name (RFC 7542, and `REALM\user` as Windows writes it), and
// the entry of the policy file that it belongs to. Called for each Access- and Accounting-Request where there are entries.
import type { RealmRule } from './realm-rules.ts';

export interface Route {
  readonly rule: RealmRule;
  /** As in the name. Empty where the name has none. */
  readonly realm: string;
  /** What the home server is told. */
  readonly username: string;
}

/** `undefined`: decided here. The first entry that names the realm counts; `DEFAULT` and `NULL` where none does. */
export function findRoute(rules: readonly RealmRule[], app: string, username: string): Route | undefined {
  const meant = rules.filter(({ application }) => application === undefined || application === app);
  const candidates = readRealms(username);
  for (const { realm, user } of candidates) {
    const rule = meant.find(({ realms }) => realms.some((one) => one !== 'DEFAULT' && isRealmOf(one, realm)));
    if (rule !== undefined) return routeOf(rule, realm, rule.strip ? user : username);
  }
  // A name like "ada@" is nobody's elsewhere either.
  const [first] = candidates;
  if (first === undefined && /[@\\]/.test(username)) return undefined;
  const rest = meant.find(({ realms }) => realms.includes(first === undefined ? 'NULL' : 'DEFAULT'));
  return rest && routeOf(rest, first?.realm ?? '', rest.strip && first !== undefined ? first.user : username);
}

function routeOf(rule: RealmRule, realm: string, username: string): Route | undefined {
  return rule.homeServers.length === 0 ? undefined : { rule, realm, username };
}

/** `user@realm` before `REALM\user`: the outer of two. Only realms of a form that can be asked about. */
function readRealms(username: string): { readonly realm: string; readonly user: string }[] {
  const at = username.lastIndexOf('@');
  const slash = username.indexOf('\\');
  const found = [];
  if (at >= 0) found.push({ realm: username.slice(at + 1), user: username.slice(0, at) });
  if (slash >= 0) found.push({ realm: username.slice(0, slash), user: username.slice(slash + 1) });
  return found.filter(({ realm }) => isRealm(realm));
}

/** Labels as in RFC 7542 §2.2, one of them enough: Windows domains have no dot. */
export function isRealm(text: string): boolean {
  return text.length <= 253 && /^[\p{L}\p{N}_][\p{L}\p{N}_-]*(?:\.[\p{L}\p{N}_][\p{L}\p{N}_-]*)*$/u.test(text);
}

/** `*.example.org` is every realm below, not example.org itself; `NULL` is no realm, and `DEFAULT` any. */
export function isRealmOf(pattern: string, realm: string): boolean {
  if (pattern === 'DEFAULT' || pattern === 'NULL') return (realm === '') === (pattern === 'NULL');
  const [wanted, given] = [pattern.toLowerCase(), realm.toLowerCase()];
  return wanted.startsWith('*.') ? given.endsWith(wanted.slice(1)) : given === wanted;
}
