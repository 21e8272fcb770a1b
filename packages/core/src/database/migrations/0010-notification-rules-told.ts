// Notification rules are remembered with the rest of the configuration (0008): each event asks which of them it may concern.
import { type Kysely, sql } from 'kysely';

const statements = ['notification_rules', 'notification_rule_transports']
  .map(
    (table) => `create trigger ${table}_told after insert or update or delete or truncate on ${table}
  for each statement execute function notify_configuration_change();`,
  )
  .join('\n');

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
