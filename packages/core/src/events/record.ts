// Writes events (core.md §20.1). Never in the way of what it describes: what cannot be stored is logged, and nothing waits
// for the disk, so that the last half second before a power failure may be missing.
import { brandOfHost } from '../brands/current.ts';
import { gathered } from '../database/gathered.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import type { RequestFacts } from '../models/unit.ts';
import { cleanse } from './cleanse.ts';

export interface EventToRecord {
  readonly action: string;
  /** Dotted module; event matchers compare it. */
  readonly app: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly user?: (Pick<UserRecord, 'username' | 'email'> & { readonly id: number | null }) | undefined;
  readonly request?: FlowRequest;
  /** The request of the REST API that it comes from. */
  readonly from?: RequestFacts | undefined;
  readonly clientIp?: string | undefined;
}

export async function recordEvent(deps: CoreDeps, event: EventToRecord): Promise<void> {
  await recordEvents(deps, [event]);
}

/** Several at once, all of one request or none. */
export async function recordEvents(deps: CoreDeps, events: readonly EventToRecord[]): Promise<void> {
  const [first] = events;
  if (first === undefined) return;
  try {
    const brand = await brandFacts(deps, first.from?.host ?? first.request?.host);
    const now = deps.clock.now();
    const rows = events.map((event) => ({
      action: event.action,
      app: event.app,
      context: cleanse({ ...event.context, ...httpRequest(event) }),
      client_ip: event.clientIp ?? event.request?.clientIp ?? null,
      user: userFacts(event),
      brand,
      created: new Date(now),
      expires: new Date(now + deps.settings.eventRetentionMs()),
    }));
    await storeRows(deps, rows);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const { action } of events) deps.log.error('event lost', { action, error: text });
  }
}

const storeRows = gathered(async ({ database }: CoreDeps, requests: readonly (readonly object[])[]) => {
  await database.rows(insertEvents, [JSON.stringify(requests.flat())]);
});

const insertEvents = {
  name: 'events: store',
  text: `insert into events (action, app, context, client_ip, "user", brand, created, expires)
    select * from json_to_recordset($1) as t (action text, app text, context jsonb, client_ip text, "user" jsonb,
      brand jsonb, created timestamptz, expires timestamptz)`,
  isRelaxed: true,
} as const;

function userFacts({ user, request }: EventToRecord) {
  const known = user ?? request?.user;
  if (known === undefined) return { pk: null, username: 'AnonymousUser', email: '', is_anonymous: true };
  return { pk: known.id, username: known.username, email: known.email };
}

function httpRequest({ from, request }: EventToRecord) {
  if (from !== undefined) {
    const { host: _host, ...facts } = from;
    return { http_request: facts };
  }
  if (request === undefined) return {};
  const { query, userAgent, requestId } = request;
  return {
    http_request: { args: Object.fromEntries(query), user_agent: userAgent, request_id: requestId },
  };
}

async function brandFacts(deps: CoreDeps, host: string | undefined) {
  const brand = host === undefined ? undefined : await brandOfHost(deps, host);
  if (brand === undefined) return {};
  return { app: 'authentik_brands', model_name: 'brand', pk: brand.uuid.replaceAll('-', ''), name: brand.domain };
}
