// Indexes for installations of a hundred thousand users and millions of events: users by what their attributes hold, by `upn`
// and by parts of their names, events by whose they are and by the object they tell of. Parts of names need pg_trgm, which
// PostgreSQL ships and lets the owner of a database use; where it is missing, such searches read the whole table. Entries are
// written at once: users are read far more often than they change, and a list of what is pending makes plans avoid the index.
import { type Kysely, sql } from 'kysely';

const statements = `
create index users_upn_folded on users (lower(attributes->>'upn'));
create index users_attributes on users using gin (attributes jsonb_path_ops) with (fastupdate = off);
create index groups_attributes on groups using gin (attributes jsonb_path_ops) with (fastupdate = off);
create index events_username on events (("user"->>'username'));
create index events_model_pk on events ((context->'model'->>'pk')) where context->'model'->>'pk' is not null;

do $$ begin
  create extension if not exists pg_trgm;
  create index users_parts on users using gin (username gin_trgm_ops, name gin_trgm_ops, email gin_trgm_ops)
    with (fastupdate = off);
exception when others then
  raise notice 'Without pg_trgm, searches of users read the whole table: %', sqlerrm;
end $$;
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
