// A refresh token that was rotated answers again for a moment: when that was, and what its successor was made with.
import { type Kysely, sql } from 'kysely';

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql
    .raw('alter table oauth_grants add column rotated timestamptz, add column successor_salt text')
    .execute(database);
}
