// Which clients have tokens of a session, for as long as it lives: they are told when it ends (core.md §17.7).
import { type Kysely, sql } from 'kysely';

const statements = `
create table oauth_participants (
  session_id text not null references sessions on delete cascade,
  provider integer not null references providers on delete cascade,
  issuer text not null,
  subject text not null,
  primary key (session_id, provider)
);
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
