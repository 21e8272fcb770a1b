// Rules of the rule file for one application (proxy.md §17.12): the first that fits a request says whether it needs a login,
// what the login must have, or that nobody may. They are judged on the same target object as everything else.
import type { Claims } from '../oidc/claims.ts';
import type { TargetUri } from '../request/target-uri.ts';
import { below, type Glob, glob } from './glob.ts';
import type { RuleRow } from './rule-file.ts';

export interface Requirement {
  readonly groupsAny: readonly string[];
  readonly groupsAll: readonly string[];
  readonly entitlementsAny: readonly string[];
  readonly users: readonly string[];
  /** Authentication methods (RFC 8176), at least one of them. */
  readonly amrAny: readonly string[];
  /** Longest time since the user has authenticated at the core. */
  readonly maxAgeMs: number | undefined;
}

export type Ruling =
  | { readonly kind: 'login'; readonly rule: string | undefined }
  | { readonly kind: 'skip'; readonly rule: string }
  | { readonly kind: 'deny'; readonly rule: string }
  | { readonly kind: 'require'; readonly rule: string; readonly requirement: Requirement };

export interface AccessRules {
  /** @param method of the original request */
  rulingOf(target: TargetUri, method: string): Ruling;
  readonly size: number;
}

/** Rulings of this room, for authentication/verdict.ts, which takes nothing on trust. */
const rulings = new WeakSet<Ruling>();

export function isRuling(value: Ruling): boolean {
  return rulings.has(value);
}

/** What holds where no rule fits. */
export const plainLogin: Ruling = { kind: 'login', rule: undefined };

export const noRules: AccessRules = { rulingOf: () => plainLogin, size: 0 };

export function accessRules(rows: readonly RuleRow[]): AccessRules {
  if (rows.length === 0) return noRules;
  const rules = rows.map(compile);
  return {
    size: rules.length,
    rulingOf(target, method) {
      const rule = rules.find((one) => one.fits(target, method));
      return rule?.ruling ?? plainLogin;
    },
  };
}

/** What of a requirement the claims do not meet. */
export type Unmet = 'membership' | 'age';

export function unmetBy(claims: Claims, requirement: Requirement, nowMs: number): Unmet | undefined {
  const { groupsAny, groupsAll, entitlementsAny, users, amrAny, maxAgeMs } = requirement;
  const some = (wanted: readonly string[], held: readonly string[]) =>
    wanted.length === 0 || wanted.some((one) => held.includes(one));
  const names = [claims.preferredUsername, claims.email, claims.sub].filter((name) => name !== '');
  const isMember =
    some(groupsAny, claims.groups) &&
    groupsAll.every((group) => claims.groups.includes(group)) &&
    some(entitlementsAny, claims.entitlements) &&
    some(users, names) &&
    some(amrAny, claims.amr);
  if (!isMember) return 'membership';
  if (maxAgeMs === undefined) return undefined;
  return claims.authTime === undefined || nowMs - claims.authTime * 1000 > maxAgeMs ? 'age' : undefined;
}

interface Rule {
  readonly ruling: Ruling;
  fits(target: TargetUri, method: string): boolean;
}

function compile(row: RuleRow, at: number): Rule {
  const ruling = rulingOf(row, row.name ?? `rule ${at + 1}`);
  rulings.add(ruling);
  const paths: Glob[] = [];
  if (row.path !== undefined) paths.push(...row.path.map((pattern) => glob(pattern, '/')));
  if (row.prefix !== undefined) paths.push(...row.prefix.map(below));
  const hosts = row.host?.map((pattern) => glob(pattern.toLowerCase(), '.'));
  const methods = row.method === undefined ? undefined : new Set(row.method.map((method) => method.toUpperCase()));
  const isRestrictive = ruling.kind === 'deny' || ruling.kind === 'require';
  return {
    ruling,
    fits(target, method) {
      if (methods !== undefined && !methods.has(method)) return false;
      if (hosts !== undefined && !hosts.some((host) => host.matches(target.authority.host))) return false;
      return paths.length === 0 || fitsPath(paths, target, isRestrictive);
    },
  };
}

/**
 * A rule that opens must fit every way the path may be read, one that closes need only fit one; a path that cannot be read
 * fits everything that closes and nothing that opens.
 */
function fitsPath(paths: readonly Glob[], { decodedPath, path }: TargetUri, isRestrictive: boolean): boolean {
  if (decodedPath === undefined || path === undefined) return isRestrictive;
  const fits = (text: string) => paths.some((one) => one.matches(text));
  return isRestrictive ? fits(path) || fits(decodedPath) : fits(path) && fits(decodedPath);
}

function rulingOf(row: RuleRow, rule: string): Ruling {
  if (row.action === 'skip' || row.action === 'deny') return { kind: row.action, rule };
  if (row.require === undefined) return { kind: 'login', rule };
  const { groups_any, groups_all, entitlements_any, users, amr, max_age } = row.require;
  const requirement: Requirement = {
    groupsAny: groups_any,
    groupsAll: groups_all,
    entitlementsAny: entitlements_any,
    users,
    amrAny: amr,
    maxAgeMs: max_age,
  };
  return { kind: 'require', rule, requirement };
}
