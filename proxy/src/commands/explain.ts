// `gatehouse proxy explain <url>`: which provider a URL belongs to, by which rule, and what an anonymous request would get.
// Works on the core's present configuration, with the very rooms that serve requests.
import type { Application } from '../applications/application.ts';
import type { Lookup } from '../applications/lookup.ts';
import { isBound } from '../modes/binding.ts';
import { startUrl } from '../modes/unauthenticated.ts';
import { parseClaims } from '../oidc/claims.ts';
import { reservedTarget } from '../request/reserved.ts';
import { absoluteTargetUri, hrefOf, type TargetUri } from '../request/target-uri.ts';
import { type Requirement, unmetBy } from '../rules/access-rules.ts';

/** Who asks, as far as rules look at it. */
export interface Asker {
  readonly method: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly entitlements: readonly string[];
}

/** Text for people, one fact per line. @param asker somebody who has just logged in; nobody where it is missing */
export function explain(lookup: Lookup<Application>, url: string, asker?: Asker): string {
  const target = absoluteTargetUri(url);
  if (target === undefined) return `"${url}" is no http or https URL that a browser would send.\n`;
  const found = lookup.find(target.authority);
  if (found.kind === 'unknown') {
    const nearest = lookup.nearest(target.authority.host);
    const hint = nearest.length === 0 ? '' : ` Nearest: ${nearest.join(', ')}.`;
    return `No provider for ${target.authority.host} among ${lookup.size}: requests get 400.${hint}\n`;
  }
  const { application, how } = found;
  const rows = [
    ['provider', `${application.name} (${application.mode}), ${reasons[how]}`],
    ['path', target.path ?? 'not decodable: matches no rule'],
    ['without login', verdictOf(application, target, asker?.method ?? 'GET')],
    ...(asker === undefined ? [] : [[`as ${asker.user}`, accessOf(application, target, asker)]]),
    ['cookie', cookieOf(application)],
    ['login starts', startUrl(application, hrefOf(target))],
    ['callback', application.redirectUri],
    ['core', `${application.endpoints.authorization} for browsers, ${application.endpoints.token} for us`],
    ['upstream', application.upstreams.map(({ origin }) => origin).join(', ') || 'behind the reverse proxy'],
  ];
  if (!isBound({ application, isOnly: how === 'only' }, target)) {
    rows.push(['warning', `this host is not covered by ${application.externalHost.href}: forward-auth refuses it`]);
  }
  for (const { pattern, reason } of application.skipRules.broken)
    rows.push(['warning', `allow-list line "${pattern}": ${reason}`]);
  const width = Math.max(...rows.map(([name = '']) => name.length));
  return rows.map(([name = '', value]) => `${name.padEnd(width)}  ${value}\n`).join('');
}

const reasons = {
  exact: 'because the host is its external host',
  domain: 'because the host lies in its cookie domain',
  only: 'because there is no other',
} as const;

function verdictOf(application: Application, target: TargetUri, method: string): string {
  const ruling = application.rules.rulingOf(target, method);
  if (reservedTarget(target) !== undefined) return 'a path of the outpost itself';
  if (ruling.kind === 'deny') return `no, and with one neither: the rule "${ruling.rule}" denies it`;
  if (ruling.kind === 'skip') return `allowed by the rule "${ruling.rule}"`;
  if (ruling.rule !== undefined) return `no: the rule "${ruling.rule}" asks for a login`;
  const match = application.skipRules.match(target);
  if (match !== undefined) return `allowed by the line "${match.pattern}"`;
  return application.skipRules.size === 0 ? 'no' : `no: none of ${application.skipRules.size} allow-list lines matches`;
}

function accessOf(application: Application, target: TargetUri, { method, user, groups, entitlements }: Asker): string {
  const ruling = application.rules.rulingOf(target, method);
  if (ruling.kind === 'deny') return `403: the rule "${ruling.rule}" denies it`;
  if (ruling.kind !== 'require') return 'allowed by the login alone';
  const claims = parseClaims({ sub: user, preferred_username: user, email: user, groups, entitlements }, '');
  const unmet = unmetBy(claims, { ...ruling.requirement, maxAgeMs: undefined }, 0);
  if (unmet !== undefined) return `403: the rule "${ruling.rule}" asks for ${requirementText(ruling.requirement)}`;
  const { maxAgeMs } = ruling.requirement;
  const age = maxAgeMs === undefined ? '' : `, while the login is at most ${maxAgeMs / 1000} s old`;
  return `allowed by the rule "${ruling.rule}"${age}`;
}

function requirementText({ groupsAny, groupsAll, entitlementsAny, users, amrAny }: Requirement): string {
  const parts = [
    ['a group of', groupsAny],
    ['all groups of', groupsAll],
    ['an entitlement of', entitlementsAny],
    ['a user of', users],
    ['a method of', amrAny],
  ] as const;
  return parts.flatMap(([what, list]) => (list.length === 0 ? [] : [`${what} ${list.join(', ')}`])).join(' and ');
}

function cookieOf({ cookie }: Application): string {
  const domain = cookie.domain === '' ? 'this host only' : `Domain=${cookie.domain}`;
  return `${cookie.name}, ${domain}${cookie.secure ? ', Secure' : ''}`;
}
