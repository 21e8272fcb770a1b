// The log of changes that outposts follow (core.md §23.2): written by triggers, so that no way of changing a row goes past
// it, and in the transaction of the change itself. Rows are found again by the number of their transaction, because
// transactions do not end in the order in which their rows were numbered.
import { type Kysely, sql } from 'kysely';

const statements = `
create table directory_changes (
  seq bigint generated always as identity primary key,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default now(),
  kind text not null,
  key text not null
);
create index directory_changes_xid on directory_changes (xid);
create table directory_changes_floor (xid xid8 not null);
insert into directory_changes_floor values ('0');

create function notify_directory_change() returns trigger language plpgsql as $$
begin
  perform pg_notify('directory_changed', '');
  return null;
end $$;
create trigger directory_changes_notify after insert on directory_changes
  for each statement execute function notify_directory_change();

-- A login alone is no change of the user.
create function note_user() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and (to_jsonb(old) - 'last_login' - 'last_updated') = (to_jsonb(new) - 'last_login' - 'last_updated')
    then return null; end if;
  insert into directory_changes (kind, key) values ('user', case when tg_op = 'DELETE' then old.id else new.id end);
  return null;
end $$;
create trigger users_noted after insert or update or delete on users for each row execute function note_user();

-- Everybody below a group may have become, or be no longer, a superuser.
create function note_group() returns trigger language plpgsql as $$
begin
  insert into directory_changes (kind, key) values ('group', case when tg_op = 'DELETE' then old.uuid else new.uuid end);
  if tg_op = 'UPDATE' and old.is_superuser <> new.is_superuser then
    insert into directory_changes (kind, key) select distinct 'user', user_id::text from memberships
      join group_ancestry on descendant = group_uuid where ancestor = new.uuid;
  end if;
  return null;
end $$;
create trigger groups_noted after insert or update or delete on groups for each row execute function note_group();

create function note_membership() returns trigger language plpgsql as $$
declare changed memberships;
begin
  changed := case when tg_op = 'DELETE' then old else new end;
  insert into directory_changes (kind, key) values ('group', changed.group_uuid::text), ('user', changed.user_id::text);
  return null;
end $$;
create trigger memberships_noted after insert or delete on memberships for each row execute function note_membership();

create function note_nesting() returns trigger language plpgsql as $$
declare changed group_parents;
begin
  changed := case when tg_op = 'DELETE' then old else new end;
  insert into directory_changes (kind, key) values ('group', changed.child::text), ('group', changed.parent::text);
  insert into directory_changes (kind, key) select distinct 'user', user_id::text from memberships
    join group_ancestry on descendant = group_uuid where ancestor = changed.child;
  return null;
end $$;
create trigger group_parents_noted after insert or delete on group_parents for each row execute function note_nesting();

create function note_configuration() returns trigger language plpgsql as $$
declare changed jsonb;
begin
  changed := case when tg_op = 'DELETE' then to_jsonb(old) else to_jsonb(new) end;
  insert into directory_changes (kind, key) values (tg_argv[0], changed ->> tg_argv[1]);
  return null;
end $$;
create trigger providers_noted after insert or update or delete on providers
  for each row execute function note_configuration('provider', 'id');
create trigger certificates_noted after insert or update or delete on certificates
  for each row execute function note_configuration('certificate', 'uuid');
create trigger policy_bindings_noted after insert or update or delete on policy_bindings
  for each row execute function note_configuration('binding', 'target');
create trigger sessions_noted after delete on sessions
  for each row execute function note_configuration('session', 'id');
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
