// What flows and policies keep beside their own definitions: prompts, consents, reputation, property mappings
// (core.md §3.5, §5.3, §6, §7).
import { type Kysely, sql } from 'kysely';

const statements = `
create table prompts (
  uuid uuid primary key default gen_random_uuid(),
  name text not null unique,
  settings jsonb not null default '{}'
);
create table consents (
  uuid uuid primary key default gen_random_uuid(),
  user_id integer not null references users on delete cascade,
  application uuid not null references applications on delete cascade,
  permissions text not null default '',
  expires timestamptz,
  unique (user_id, application, permissions)
);
create table reputation (
  uuid uuid primary key default gen_random_uuid(),
  identifier text not null,
  ip text not null,
  score integer not null,
  updated timestamptz not null default now(),
  expires timestamptz not null,
  unique (identifier, ip)
);
create index reputation_ip on reputation (ip);
create index reputation_expires on reputation (expires);
create table login_brake (
  subject text primary key,
  failures integer not null,
  failed_at timestamptz not null
);
create index login_brake_failed_at on login_brake (failed_at);
create table property_mappings (
  uuid uuid primary key default gen_random_uuid(),
  kind text not null,
  name text not null unique,
  managed text unique,
  settings jsonb not null default '{}'
);
`;

export async function up(database: Kysely<unknown>): Promise<void> {
  await sql.raw(statements).execute(database);
}
