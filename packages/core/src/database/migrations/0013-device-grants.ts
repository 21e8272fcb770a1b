// Devices that wait for somebody to approve them in a browser (RFC 8628). Whose it becomes is null until then.
import { type Kysely, sql } from 'kysely';

const statements = `
create table device_grants (
  hash text primary key,
  user_code text not null unique,
  provider integer not null references providers (id) on delete cascade,
  user_id integer references users (id) on delete cascade,
  session_id text references sessions (id) on delete set null,
  expires timestamptz not null,
  data jsonb not null
);
create index device_grants_expires on device_grants (expires);
create index device_grants_user on device_grants (user_id) where user_id is not null;
create index device_grants_session on device_grants (session_id) where session_id is not null;
create index device_grants_provider on device_grants (provider);
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
