// `gatehouse proxy explain <url>`: which provider a URL belongs to, by which rule, and what an anonymous request would get
// (issue 6). Works on the core's present configuration, with the very rooms that serve requests.
import type { Application } from '../applications/application.ts';
import type { Lookup } from '../applications/lookup.ts';
import { isBound } from '../modes/binding.ts';
import { startUrl } from '../modes/unauthenticated.ts';
import { reservedTarget } from '../request/reserved.ts';
import { absoluteTargetUri, hrefOf, type TargetUri } from '../request/target-uri.ts';

/** Text for people, one fact per line. */
export function explain(lookup: Lookup<Application>, url: string): string {
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
    ['without login', verdictOf(application, target)],
    ['cookie', cookieOf(application)],
    ['login starts', startUrl(application, hrefOf(target))],
    ['callback', application.redirectUri],
    ['core', `${application.endpoints.authorization} for browsers, ${application.endpoints.token} for us`],
    ['upstream', application.upstream?.origin ?? 'behind the reverse proxy'],
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

function verdictOf(application: Application, target: TargetUri): string {
  const match = application.skipRules.match(target);
  if (match !== undefined) return `allowed by the line "${match.pattern}"`;
  if (reservedTarget(target) !== undefined) return 'a path of the outpost itself';
  return application.skipRules.size === 0 ? 'no' : `no: none of ${application.skipRules.size} allow-list lines matches`;
}

function cookieOf({ cookie }: Application): string {
  const domain = cookie.domain === '' ? 'this host only' : `Domain=${cookie.domain}`;
  return `${cookie.name}, ${domain}${cookie.secure ? ', Secure' : ''}`;
}
