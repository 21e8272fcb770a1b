// Writes events (core.md §20.1). Never in the way of what it describes: what cannot be stored is logged, and nothing waits
// for the disk, so that the last half second before a power failure may be missing.
import { randomUUID } from 'node:crypto';
import { brandOfHost } from '../brands/current.ts';
import { gathered } from '../database/gathered.ts';
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import type { RequestFacts } from '../models/unit.ts';
import { cleanse } from './cleanse.ts';
import { queueNotifications } from './notifications/queue.ts';

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
  /** Sets off no notification. */
  readonly quiet?: boolean;
}

/** @returns the key of the event; `undefined` if it was lost */
export async function recordEvent(deps: CoreDeps, event: EventToRecord): Promise<string | undefined> {
  return (await recordEvents(deps, [event]))[0];
}

/** Several at once, all of one request or none. @returns their keys, none if they were lost */
export async function recordEvents(deps: CoreDeps, events: readonly EventToRecord[]): Promise<readonly string[]> {
  const [first] = events;
  if (first === undefined) return [];
  try {
    const brand = await brandFacts(deps, first.from?.host ?? first.request?.host);
    const now = deps.clock.now();
    const located = await Promise.all(events.map((event) => locationFacts(deps, event)));
    const rows = events.map((event, at) => ({
      uuid: randomUUID(),
      action: event.action,
      app: event.app,
      context: cleanse({ ...event.context, ...httpRequest(event), ...located[at] }),
      client_ip: event.clientIp ?? event.request?.clientIp ?? null,
      user: userFacts(event),
      brand,
      created: new Date(now),
      expires: new Date(now + deps.settings.eventRetentionMs()),
    }));
    await storeRows(deps, rows);
    for (const { action } of rows) deps.metrics.events.add({ action });
    for (const [at, { context, quiet }] of events.entries()) {
      const { uuid = '', action = '' } = rows[at] ?? {};
      if (quiet !== true) await queueNotifications(deps, deps.database.kysely, { uuid, action, context });
    }
    return rows.map(({ uuid }) => uuid);
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const { action } of events) deps.log.error('event lost', { action, error: text });
    return [];
  }
}

const storeRows = gathered(async ({ database }: CoreDeps, requests: readonly (readonly object[])[]) => {
  await database.rows(insertEvents, [JSON.stringify(requests.flat())]);
});

const insertEvents = {
  name: 'events: store',
  text: `insert into events (uuid, action, app, context, client_ip, "user", brand, created, expires)
    select * from json_to_recordset($1) as t (uuid uuid, action text, app text, context jsonb, client_ip text, "user" jsonb,
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

/** Of whom it is about, where there are databases; null for an address that they do not know. */
async function locationFacts({ locations }: CoreDeps, { clientIp, request }: EventToRecord) {
  const address = clientIp ?? request?.clientIp;
  if (address === undefined) return {};
  const { place, network } = await locations.of(address);
  return { ...(place === undefined ? {} : { geo: place }), ...(network === undefined ? {} : { asn: network }) };
}

async function brandFacts(deps: CoreDeps, host: string | undefined) {
  const brand = host === undefined ? undefined : await brandOfHost(deps, host);
  if (brand === undefined) return {};
  return { app: 'authentik_brands', model_name: 'brand', pk: brand.uuid.replaceAll('-', ''), name: brand.domain };
}
