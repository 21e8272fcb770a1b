// What a caller without a session gets (proxy.md §5.7): browsers that navigate are sent to the login, everybody else is
// told so with a 401 and the address of the login, because a redirect to another origin looks like a network error to them.
import type { Application } from '../applications/application.ts';
import { page, prefersJson } from '../pages/page.ts';
import { noStore, type Refused } from '../request/answer.ts';
import { header, type Incoming } from '../request/incoming.ts';
import { prefix } from '../request/reserved.ts';
import type { ModeContext } from './context.ts';
import { tooMany } from './limited.ts';

/** @param method of the original request, where the sub-request has another */
export function isNavigation(request: Incoming, method: string): boolean {
  const fetchMode = header(request, 'sec-fetch-mode');
  if (fetchMode !== '' && fetchMode !== 'navigate') return false;
  if (header(request, 'x-requested-with').toLowerCase() === 'xmlhttprequest') return false;
  // Traefik takes Upgrade off the sub-request, as hop-by-hop; the key stays (RFC 6455 §4.1).
  if (header(request, 'sec-websocket-key') !== '') return false;
  if (header(request, 'upgrade') !== '' && /upgrade/i.test(header(request, 'connection') || 'upgrade')) return false;
  return (method === 'GET' || method === 'HEAD') && !prefersJson(request);
}

/**
 * Where the login for `target` begins, below Ext.
 * @param target an absolute URL in ASCII
 * @param maxAgeS how old the login may be
 */
export function startUrl({ externalHost }: Application, target: string, maxAgeS?: number): string {
  const base = externalHost.origin + externalHost.pathname.replace(/\/$/, '');
  const age = maxAgeS === undefined ? '' : `max_age=${maxAgeS}&`;
  return `${base}${prefix}/start?${age}rd=${encodeURIComponent(target)}`;
}

export function apiRefusal(application: Application, target: string): Refused {
  const login = startUrl(application, target);
  const headers = [...noStore, 'Content-Type', 'application/json', 'X-Outpost-Location', login];
  headers.push('WWW-Authenticate', challenge(application));
  const body = `${JSON.stringify({ error: 'unauthenticated', login_url: login })}\n`;
  return { kind: 'refused', status: 401, headers, body };
}

/** §5.1 step 1: the credentials were looked at and are of no use. */
export function credentialsRefused({ application, request, rooms }: ModeContext): Refused {
  const address = rooms.limits.addressOf(request);
  const seconds = address === undefined ? 0 : rooms.limits.failedCredentials.peek(address);
  if (seconds > 0) return tooMany(request, seconds);
  return page(request, {
    status: 401,
    title: 'Unauthenticated',
    text: "Due to 'Receive header authentication' being set, no redirect is performed.",
    headers: ['WWW-Authenticate', challenge(application)],
  });
}

function challenge({ name }: Application): string {
  return `Bearer realm="${name.replace(/[^ !#-[\]-~]/g, '')}"`;
}
