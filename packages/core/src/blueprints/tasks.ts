// Blueprints by the clock, and by request (core.md §20.3).
import type { Actor } from '../tasks/actor.ts';
import { clearGoneBlueprints, discoverBlueprints } from './discovery.ts';
import { applyInstance } from './instances.ts';

export const applyActor = 'authentik.blueprints.v1.tasks.apply_blueprint';
export const discoveryActor = 'authentik.blueprints.v1.tasks.blueprints_discovery';

export const blueprintActors: readonly Actor[] = [
  {
    name: discoveryActor,
    description: 'Find blueprints and apply those that changed.',
    schedule: { crontab: '~ * * * *' },
    async run({ deps, log }) {
      const { applied, failed } = await discoverBlueprints(deps);
      log('info', `Applied ${applied.length} blueprints`, { paths: applied.join(' ') });
      for (const [path, reason] of Object.entries(failed)) log('error', reason, { path });
    },
  },
  {
    name: 'authentik.blueprints.v1.tasks.clear_failed_blueprints',
    description: 'Forget blueprints whose file is gone.',
    schedule: { crontab: '~ * * * *', onStartup: true },
    async run({ deps, log }) {
      log('info', `Forgot ${await clearGoneBlueprints(deps)} blueprints`);
    },
  },
  {
    name: applyActor,
    description: 'Apply one blueprint.',
    async run({ deps, args, log }) {
      const instance = await deps.database.kysely
        .selectFrom('blueprints')
        .selectAll()
        .where('uuid', '=', String(args['instance']))
        .executeTakeFirst();
      if (instance === undefined) return log('warning', 'The instance is gone');
      if (!instance.enabled) return log('info', 'The instance is disabled');
      const { logs } = await applyInstance(deps, instance);
      for (const { log_level, event, attributes } of logs) log(log_level, event, attributes);
    },
  },
];
