// Whether somebody is logged in from where he comes now is asked at each step of a login: by user and address in one look.
import { type Kysely, sql } from 'kysely';

const statements = `
create index sessions_user_ip on sessions (user_id, last_ip);
drop index sessions_user;
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
