// Tells every core process when what an administrator sets up has changed, so that processes may remember what they have
// read of it (database/remembered.ts). The end of a session that nobody was logged in to concerns no outpost.
import { type Kysely, sql } from 'kysely';

const tables = [
  'applications',
  'brands',
  'certificates',
  'flows',
  'policies',
  'policy_bindings',
  'property_mappings',
  'providers',
  'stage_bindings',
  'stages',
];

const statements = `
create function notify_configuration_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('configuration_changed', '');
  return null;
end $$;
${tables
  .map(
    (table) => `create trigger ${table}_told after insert or update or delete or truncate on ${table}
  for each statement execute function notify_configuration_change();`,
  )
  .join('\n')}
create index providers_client on providers ((settings->>'client_id'));

drop trigger sessions_noted on sessions;
create trigger sessions_noted after delete on sessions
  for each row when (old.user_id is not null) execute function note_configuration('session', 'id');
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
