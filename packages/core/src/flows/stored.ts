// Flows, stages and what binds them, as every step of a visitor asks for them; remembered until the configuration changes.
import type { Selectable } from 'kysely';
import { remembered } from '../database/remembered.ts';
import type { Tables } from '../database/tables.ts';
import type { CoreDeps } from '../deps.ts';

export type FlowRecord = Readonly<Selectable<Tables['flows']>>;
export type StageRecord = Readonly<Selectable<Tables['stages']>>;

export const flowBySlug = remembered((deps: CoreDeps, slug) =>
  deps.database.kysely.selectFrom('flows').selectAll().where('slug', '=', slug).executeTakeFirst(),
);

/** @param key a uuid */
export const flowByKey = remembered((deps: CoreDeps, key) =>
  deps.database.kysely.selectFrom('flows').selectAll().where('uuid', '=', key).executeTakeFirst(),
);

/** Flows of a designation, in order of slug. */
export const flowsFor = remembered((deps: CoreDeps, designation) =>
  deps.database.kysely.selectFrom('flows').selectAll().where('designation', '=', designation).orderBy('slug').execute(),
);

/** @param key a uuid */
export const stageByKey = remembered((deps: CoreDeps, key) =>
  deps.database.kysely.selectFrom('stages').selectAll().where('uuid', '=', key).executeTakeFirst(),
);

/** Stages of a flow with this key, in order. */
export const stageBindingsOf = remembered((deps: CoreDeps, flow) =>
  deps.database.kysely.selectFrom('stage_bindings').selectAll().where('flow', '=', flow).orderBy('order').execute(),
);
