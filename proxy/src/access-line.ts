// The access line (proxy.md §13.1), put together from as few pieces as possible: through the logger, or by a template with a
// field each, it would cost more than most answers. What is the same for many requests is kept as text: the beginning for a
// millisecond, who asks for what for a connection, whose session it is for its Allow. access-log.test.ts reads it as JSON.
import type { Application } from './applications/application.ts';
import type { Allow } from './authentication/verdict.ts';
import type { Answer } from './request/answer.ts';
import { header, type Incoming, requestHost } from './request/incoming.ts';
import { prefix } from './request/reserved.ts';

export interface LineFacts {
  readonly request: Incoming;
  readonly answer: Answer;
  readonly application: Application | undefined;
  readonly status: number;
  /** Bytes of the body. */
  readonly size: number;
  readonly tookMs: number;
  readonly upstreamMs: number | undefined;
}

export interface ShownHeader {
  readonly lower: string;
  /** `,"name":` */
  readonly key: string;
}

/** @param names request headers that go into the line, by any case */
export function shownHeaders(names: readonly string[]): ShownHeader[] {
  return names.map((name) => {
    const lower = name.toLowerCase();
    return { lower, key: `,${JSON.stringify(lower.replaceAll('-', '_'))}:` };
  });
}

export function accessLine(
  facts: LineFacts,
  type: RequestType,
  { nowMs, shown }: { readonly nowMs: number; readonly shown: readonly ShownHeader[] },
): string {
  const { request, answer, status, size, tookMs, upstreamMs } = facts;
  const upstream = upstreamMs === undefined ? '}\n' : `,"upstream_ms":${milliseconds(upstreamMs)}}\n`;
  return `${beginning(nowMs, type === 'app')}${whoAndWhat(facts, shown)}${status},"size":${size},"runtime":"${milliseconds(tookMs)}","request_id":"${request.requestId}${whose(answer)}${upstream}`;
}

export type RequestType = 'app' | 'ping' | 'static';

const [pingPath, staticPath] = [`${prefix}/ping`, `${prefix}/static`];

/** What a request is for: one of our answers about ourselves, or an application. */
export function typeOf({ rawTarget }: Incoming): RequestType {
  if (!rawTarget.startsWith(prefix)) return 'app';
  if (rawTarget.startsWith(pingPath)) return 'ping';
  return rawTarget.startsWith(staticPath) ? 'static' : 'app';
}

/** Values that are credentials of a login under way (case 108). */
function redact(target: string): string {
  if (!target.includes('?')) return target;
  return target.replace(
    /([?&](?:code|state|access_token|id_token_hint|token|password)=)[^&#]*/gi,
    (_, name: string) => `${name}***`,
  );
}

let beginningMs = -1;
let beginnings = { app: '', other: '' };
function beginning(nowMs: number, isApp: boolean): string {
  if (nowMs !== beginningMs) {
    beginningMs = nowMs;
    const level = `{"level":"info","timestamp":"${new Date(nowMs).toISOString()}","logger":"authentik.outpost.proxyv2`;
    beginnings = { app: `${level}.application","event":`, other: `${level}.http","event":` };
  }
  return isApp ? beginnings.app : beginnings.other;
}

/** What the connection from a port asked for last, and by whom it was. */
interface LastAsked {
  readonly application: Application | undefined;
  readonly peer: string;
  readonly host: string;
  readonly method: string;
  readonly scheme: string;
  /** Values of the shown headers. */
  readonly values: readonly string[];
  readonly who: string;
  target: string;
  /** Target and `who`. */
  text: string;
}
const lastAsked = new Map<number, LastAsked>();
const mostConnections = 4_096;

function whoAndWhat({ request, application }: LineFacts, shown: readonly ShownHeader[]): string {
  const { peer, peerPort, method, scheme, rawTarget } = request;
  const host = requestHost(request);
  let last = lastAsked.get(peerPort);
  const isSame =
    last?.application === application && last?.host === host && last.peer === peer && last.method === method;
  if (last === undefined || !isSame || last.scheme !== scheme || !showsSame(last, request, shown)) {
    const values = shown.map(({ lower }) => header(request, lower));
    const name = application === undefined ? '' : `,"name":${quoted(application.name)}`;
    const headers = shown.map(({ key }, at) => key + quoted(values[at] ?? '')).join('');
    const who = `${name},"remote":"${peer}:${peerPort}","host":${quoted(host)},"method":"${method}","scheme":"${scheme}"${headers},"status":`;
    last = { application, peer, host, method, scheme, values, who, target: '', text: '' };
    if (lastAsked.size >= mostConnections) lastAsked.clear();
    lastAsked.set(peerPort, last);
  }
  if (last.target !== rawTarget) {
    last.target = rawTarget;
    last.text = quoted(redact(rawTarget)) + last.who;
  }
  return last.text;
}

function showsSame({ values }: LastAsked, request: Incoming, shown: readonly ShownHeader[]): boolean {
  for (let at = 0; at < shown.length; at += 1) {
    if (values[at] !== header(request, shown[at]?.lower ?? '')) return false;
  }
  return true;
}

const whoseAllow = new WeakMap<Allow, string>();
function whose(answer: Answer): string {
  if (answer.kind !== 'allowed' && answer.kind !== 'forward') return '","auth":"none"';
  const known = whoseAllow.get(answer.allow);
  if (known !== undefined) return known;
  const { identity, reason } = answer.allow;
  const user =
    identity === undefined ? '' : `,"user":${quoted(identity.claims.preferredUsername || identity.claims.sub)}`;
  const text = `","auth":"${identity?.via ?? reason}"${user}`;
  whoseAllow.set(answer.allow, text);
  return text;
}

/** JSON of a text; most need no escapes. */
function quoted(text: string): string {
  return /["\\]|[^ -~]/.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** Three decimals; most requests take few microseconds, whose texts are made once. */
const texts = Array.from<string | undefined>({ length: 20_000 });
function milliseconds(ms: number): string {
  const us = Math.round(ms * 1000);
  if (!(us >= 0 && us < texts.length)) return ms.toFixed(3);
  const text = texts[us] ?? (us / 1000).toFixed(3);
  texts[us] = text;
  return text;
}
