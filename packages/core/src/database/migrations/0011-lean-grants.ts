// Most tokens have neither a session nor a family: what is not there need not be found, and costs each of them two entries.
import { type Kysely, sql } from 'kysely';

const statements = `
drop index oauth_grants_family;
drop index oauth_grants_session;
create index oauth_grants_family on oauth_grants (family) where family is not null;
create index oauth_grants_session on oauth_grants (session_id) where session_id is not null;
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
