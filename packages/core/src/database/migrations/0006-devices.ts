// When a second factor was set up and changed.
import { type Kysely, sql } from 'kysely';

const statements = `
alter table devices add column created timestamptz not null default now(),
  add column last_updated timestamptz not null default now();
create trigger devices_touch before update on devices for each row execute function touch();
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
