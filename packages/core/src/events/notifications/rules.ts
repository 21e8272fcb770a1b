// Which notification rules an event may concern, told without running any policy: most events concern none, and queue
// nothing. Asked for every event, so the rules are remembered until the configuration changes.
import { sql } from 'kysely';
import { remembered } from '../../database/remembered.ts';
import type { CoreDeps } from '../../deps.ts';

interface Rule {
  readonly pbm: string;
  /** Actions that its event matchers name; `undefined` where anything may match. */
  readonly actions: readonly string[] | undefined;
}

/** Rules that have a transport and a binding: without either nothing is ever sent. */
const rules = remembered(async ({ database }: CoreDeps, _key): Promise<readonly Rule[]> => {
  const { rows } = await sql<{ pbm: string; actions: (string | null)[] }>`
    select r.pbm_uuid as pbm, array_agg(case when p.kind = 'authentik_policies_event_matcher.eventmatcherpolicy'
      and not b.negate and not b.failure_result then nullif(p.settings->>'action', '') end) as actions
    from notification_rules r
    join policy_bindings b on b.target = r.pbm_uuid and b.enabled
    left join policies p on p.uuid = b.policy
    where exists (select 1 from notification_rule_transports t where t.rule = r.pbm_uuid)
    group by r.pbm_uuid`.execute(database.kysely);
  return rows.map(({ pbm, actions }) => {
    const named = actions.filter((action) => action !== null);
    return { pbm, actions: named.length === actions.length ? named : undefined };
  });
});

/** Keys of the rules that an event with this action may concern. */
export async function rulesFor(deps: CoreDeps, action: string): Promise<readonly string[]> {
  const all = await rules(deps, 'all');
  return all.filter(({ actions }) => actions === undefined || actions.includes(action)).map(({ pbm }) => pbm);
}
