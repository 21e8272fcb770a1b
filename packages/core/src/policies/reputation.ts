// Reputation (core.md §14.4): a score for each name at each address, up for logins, down for failures, within limits and
// for a day.
import type { CoreDeps } from '../deps.ts';

const lifeMs = 86_400_000;

export async function lowerReputation(deps: CoreDeps, identifier: string, ip: string): Promise<void> {
  await deps.database.rows(change, reputationChange(deps, identifier, ip, -1));
}

/** Sum over the rows of the address, of the name, or of both; rows that ran out do not count. */
export async function scoreOf(
  { database, clock }: CoreDeps,
  { identifier, ip }: { readonly identifier: string | undefined; readonly ip: string | undefined },
): Promise<number> {
  if (identifier === undefined && ip === undefined) return 0;
  const row = await database.kysely
    .selectFrom('reputation')
    .select(({ fn }) => fn.sum<string>('score').as('total'))
    .where('expires', '>', new Date(clock.now()))
    .where((where) =>
      where.or([
        ...(identifier === undefined ? [] : [where('identifier', '=', identifier)]),
        ...(ip === undefined ? [] : [where('ip', '=', ip)]),
      ]),
    )
    .executeTakeFirst();
  return Number(row?.total ?? 0);
}

/** One statement, so that two requests at once both count. Its values are {@link reputationChange}. */
export const changeReputation = `insert into reputation (identifier, ip, score, updated, expires)
  values ($1, $2, $3, $4, $5)
  on conflict (identifier, ip) do update set
    score = greatest($6::int, least($7::int,
      (case when reputation.expires <= $4 then 0 else reputation.score end) + $3::int)),
    updated = excluded.updated, expires = excluded.expires`;

export function reputationChange({ clock, settings }: CoreDeps, identifier: string, ip: string, by: 1 | -1) {
  const { reputation_lower_limit: lower, reputation_upper_limit: upper } = settings.current();
  const now = clock.now();
  return [identifier.slice(0, 200), ip, by, new Date(now), new Date(now + lifeMs), lower, upper];
}

const change = { name: 'reputation: change', text: changeReputation, isRelaxed: true } as const;

export async function sweepReputation({ database, clock }: CoreDeps): Promise<void> {
  await database.kysely.deleteFrom('reputation').where('expires', '<=', new Date(clock.now())).execute();
}
