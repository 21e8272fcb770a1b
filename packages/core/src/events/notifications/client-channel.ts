// `/ws/client/` (core.md §1.5): the websocket of a signed-in browser, which is told of notifications as they are made, by
// whichever core process. It says nothing itself, and ends with its session.
import type { IncomingMessage } from 'node:http';
import { sql } from 'kysely';
import { z } from 'zod';
import { identifyCaller } from '../../api/authentication.ts';
import type { WebSocket, WebsocketEndpoint } from '../../api/websockets.ts';
import type { Database } from '../../database/connection.ts';
import type { CoreDeps } from '../../deps.ts';
import type { Row } from '../../models/model.ts';
import { represent } from '../../models/represent.ts';
import { notificationModel } from './models.ts';

const channel = 'client_message';
const aliveEveryMs = 30_000;
/** Tabs of one session that are told; the oldest makes room. */
const mostOfOneSession = 32;

interface Tab {
  readonly client: WebSocket;
  readonly user: number;
  readonly session: string;
}

const made = z.object({ user: z.number(), notification: z.string() });

/** Tells every process that a user has a new notification. */
export function announceNotification(database: Database, user: number, notification: string): Promise<void> {
  return database.notify(channel, JSON.stringify({ user, notification }));
}

export async function clientChannel(deps: CoreDeps): Promise<WebsocketEndpoint> {
  const tabs = new Set<Tab>();
  await deps.database.listen(channel, (payload) => {
    const { user, notification } = made.parse(JSON.parse(payload));
    const concerned = [...tabs].filter((tab) => tab.user === user);
    if (concerned.length > 0) void push(deps, concerned, notification);
  });
  deps.channels.onSessionsEnded((ids) => {
    for (const { client, session } of tabs) if (ids.includes(session)) client.close(1000);
  });
  return {
    path: /^\/ws\/client\/$/,
    async admit(request) {
      if (!isOwnOrigin(request)) return 403;
      const caller = await identifyCaller(deps, request, '').catch(() => undefined);
      if (caller?.principal?.via !== 'session' || caller.session === undefined) return 403;
      const who = { user: caller.principal.user.id, session: caller.session.id };
      return (client) => {
        attach(tabs, { client, ...who });
        void endIfOver(deps, client, who.session);
      };
    },
  };
}

/** Browsers send cookies along with the sockets of any page, so the page has to be ours. */
function isOwnOrigin({ headers: { origin, host = '' } }: IncomingMessage): boolean {
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host;
}

function attach(tabs: Set<Tab>, tab: Tab): void {
  const { client, session } = tab;
  const others = [...tabs].filter((other) => other.session === session);
  if (others.length >= mostOfOneSession) others[0]?.client.close(1008);
  tabs.add(tab);
  let answered = true;
  const alive = setInterval(() => {
    if (!answered) client.terminate();
    answered = false;
    client.ping();
  }, aliveEveryMs);
  client.on('pong', () => {
    answered = true;
  });
  client.on('close', () => {
    clearInterval(alive);
    tabs.delete(tab);
  });
  client.on('error', () => client.terminate());
}

/** A session that ended between the question and the open line was told of too early to be heard. */
async function endIfOver({ database, log }: CoreDeps, client: WebSocket, session: string): Promise<void> {
  try {
    const found = await database.kysely
      .selectFrom('sessions')
      .select('id')
      .where('id', '=', session)
      .executeTakeFirst();
    if (found === undefined) client.close(1000);
  } catch (error) {
    log.warn('session of a line not checked', { error: error instanceof Error ? error.message : String(error) });
    client.close(1011);
  }
}

async function push(deps: CoreDeps, tabs: readonly Tab[], notification: string): Promise<void> {
  try {
    const { rows } = await sql<Row>`select * from notifications where uuid = ${notification}`.execute(
      deps.database.kysely,
    );
    const [data] = await represent(deps, notificationModel, rows, new URLSearchParams());
    if (data === undefined) return;
    const text = JSON.stringify({ message_type: 'notification.new', id: notification, data });
    for (const { client } of tabs) client.send(text);
  } catch (error) {
    deps.log.warn('notification not pushed', { error: error instanceof Error ? error.message : String(error) });
  }
}
