// Codes and tokens of OAuth2 clients (core.md §17), under their hashes.
import { type Kysely, sql } from 'kysely';

const statements = `
create table oauth_grants (
  hash text primary key,
  kind text not null check (kind in ('code', 'access', 'refresh')),
  provider integer not null references providers on delete cascade,
  user_id integer not null references users on delete cascade,
  session_id text references sessions on delete cascade,
  family text,
  expires timestamptz not null,
  revoked boolean not null default false,
  data jsonb not null
);
create index oauth_grants_family on oauth_grants (family);
create index oauth_grants_session on oauth_grants (session_id);
create index oauth_grants_user on oauth_grants (user_id);
create index oauth_grants_expires on oauth_grants (expires);
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
