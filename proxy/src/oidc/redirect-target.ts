// Where a login may lead back to (proxy.md §6.1): the one validator, with the browser's own URL rules, for every target
// before it is signed into a state. Open redirects by `/\`, tabs, user info and encodings were fixed and found again for
// six years elsewhere (WISHES §8), so nothing but the parsed URL is looked at.
import { bareDomain, isWithin } from '../request/host-name.ts';
import { absoluteTargetUri } from '../request/target-uri.ts';

export interface RedirectRules {
  readonly externalHost: string;
  readonly mode: 'proxy' | 'forward_single' | 'forward_domain';
  readonly cookieDomain: string;
}

/** Longest target that fits into a state and a redirect. */
const maxLength = 4_096;
/** Targets that would log out again, or feed a login into itself. */
const circular = /^\/outpost\.goauthentik\.io\/(?:sign_out|callback|start|auth)(?:\/|$)/;

/**
 * @param given from the client: `rd`, or the original URL of a forward mode
 * @returns the absolute URL, or `undefined` when it leads anywhere else than back
 */
export function redirectTarget(given: string, rules: RedirectRules): string | undefined {
  if (given === '' || given.length > maxLength || hasForbidden(given)) return undefined;
  const base = new URL(rules.externalHost);
  if (!URL.canParse(given, base.href)) return undefined;
  const url = new URL(given, base);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return undefined;
  if (base.protocol === 'https:' && url.protocol === 'http:') return undefined;
  if (url.username !== '' || url.password !== '') return undefined;
  if (!isOurHost(url, base, rules)) return undefined;
  const path = absoluteTargetUri(url.href.split('#')[0] ?? '')?.path;
  if (path === undefined || circular.test(path) || url.searchParams.has('X-authentik-logout')) return undefined;
  url.hash = '';
  // The text as it was given, where it already is absolute: `URL` would re-encode parts of it.
  return isPlainUrl(given) && absoluteTargetUri(given)?.origin === url.origin ? given : url.href;
}

/**
 * The `rd` parameter of a raw query, in all the forms that are in use (case 33): escaped, half-escaped, and not escaped at
 * all, where everything up to the end belongs to it since no correct escaper leaves a question mark literal.
 */
export function redirectParameter(rawQuery: string | undefined): string {
  if (rawQuery === undefined) return '';
  const at = /(?:^|&)rd=/.exec(rawQuery);
  if (at === null) return '';
  const rest = rawQuery.slice(at.index + at[0].length);
  if (rest.includes('?')) return rest;
  return new URLSearchParams(`rd=${rest}`).get('rd') ?? '';
}

function isOurHost(url: URL, base: URL, { mode, cookieDomain }: RedirectRules): boolean {
  if (mode !== 'forward_domain') return url.hostname === base.hostname && url.port === base.port;
  return url.host === base.host || isWithin(url.hostname.replace(/\.$/, ''), bareDomain(cookieDomain));
}

/** Controls and blanks anywhere, backslashes before the query: browsers repair them, each in its own way. */
function hasForbidden(given: string): boolean {
  const path = given.split(/[?#]/)[0] ?? '';
  return /[\p{Cc} ]/u.test(given) || path.includes('\\');
}

/** Absolute, in ASCII, without a fragment. */
function isPlainUrl(given: string): boolean {
  return /^https?:\/\/[!"$-~]+$/i.test(given);
}
