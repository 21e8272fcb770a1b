// Accounts of outposts and tokens of the API belong to what an administrator sets up: an outpost shows its token with every
// request, so processes remember whom it stands for (database/remembered.ts) and must hear when that ends. A new token or
// account concerns nobody: what is unknown is never remembered. Deleting an account deletes its tokens.
import { type Kysely, sql } from 'kysely';

const statements = `
create trigger outpost_accounts_told after update of username, is_active, type on users
  for each row when (old.type = 'internal_service_account')
  execute function notify_configuration_change();
create trigger api_tokens_told after update or delete on tokens
  for each row when (old.intent = 'api')
  execute function notify_configuration_change();
create trigger tokens_emptied after truncate on tokens
  for each statement execute function notify_configuration_change();
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
