// Cross-origin calls by applications in browsers (core.md §17.1): a page may ask if a registered redirect URI has its origin.
import { sql } from 'kysely';
import { z } from 'zod';
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import { clientKinds } from './client.ts';

const uris = z.array(z.object({ url: z.string() }));

/** Answers an `Origin` that some client of ours has; others get nothing. */
export async function allowOrigin({ database }: CoreDeps, request: ApiRequest, reply: ApiReply): Promise<void> {
  const { origin } = request.headers;
  if (origin === undefined || !URL.canParse(origin)) return;
  reply.header('Vary', 'Origin');
  const rows = await database.kysely
    .selectFrom('providers')
    .select(({ ref }) => ref('settings', '->').key('redirect_uris').as('uris'))
    .where('kind', 'in', [...clientKinds])
    .where(sql<boolean>`settings->>'redirect_uris' like ${`%${origin.replace(/[%_\\]/g, '\\$&')}%`}`)
    .execute();
  const known = rows.flatMap((row) => uris.safeParse(row.uris).data ?? []);
  if (!known.some(({ url }) => URL.canParse(url) && new URL(url).origin === origin)) return;
  reply
    .header('Access-Control-Allow-Origin', origin)
    .header('Access-Control-Allow-Credentials', 'true')
    .header('Access-Control-Allow-Methods', 'GET, POST, OPTIONS')
    .header('Access-Control-Allow-Headers', 'Authorization, Content-Type');
}
