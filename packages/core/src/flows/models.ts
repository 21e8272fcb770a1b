// `authentik_flows.flow` and `.flowstagebinding` (core.md §5.1, §5.2).

import { sql } from 'kysely';
import { z } from 'zod';
import { choice, column, engineMode, fileField, flag, integer, line, reference, slug, text } from '../models/field.ts';
import { anyKey, exactly } from '../models/filters.ts';
import { invalidField } from '../models/invalid.ts';
import { defineModel } from '../models/model.ts';
import { kindOfShape, themedUrls } from '../models/shapes.ts';
import { defaultBackground } from './background-image.ts';

export const flowModel = defineModel({
  id: 'authentik_flows.flow',
  noun: 'Flow',
  nouns: 'Flows',
  table: 'flows',
  key: 'uuid',
  keyType: 'uuid',
  path: '/flows/instances/',
  lookup: 'slug',
  permissions: ['export_flow', 'inspect_flow', 'view_flow_cache', 'clear_flow_cache'],
  bindingKey: 'pbm_uuid',
  fields: {
    name: column('name', line),
    slug: column('slug', slug),
    title: column('title', text),
    designation: column(
      'designation',
      choice(
        'authentication',
        'authorization',
        'invalidation',
        'enrollment',
        'unenrollment',
        'recovery',
        'stage_configuration',
      ),
    ),
    policy_engine_mode: column('policy_engine_mode', engineMode, { initial: 'any' }),
    compatibility_mode: column('compatibility_mode', flag, { initial: false }),
    layout: column(
      'layout',
      choice(
        'stacked',
        'content_left',
        'content_right',
        'sidebar_left',
        'sidebar_right',
        'sidebar_left_frame_background',
        'sidebar_right_frame_background',
      ),
      { initial: 'stacked' },
    ),
    denied_action: column('denied_action', choice('message_continue', 'message', 'continue'), {
      initial: 'message_continue',
    }),
    authentication: column(
      'authentication',
      choice(
        'none',
        'require_authenticated',
        'require_unauthenticated',
        'require_superuser',
        'require_redirect',
        'require_outpost',
      ),
      { initial: 'none' },
    ),
    background: fileField(column('background', text, { initial: '' })),
  },
  search: ['name', 'slug', 'designation', 'title'],
  order: ['slug'],
  filters: {
    flow_uuid: exactly('uuid'),
    name: exactly('name'),
    slug: exactly('slug'),
    designation: exactly('designation'),
    denied_action: exactly('denied_action'),
  },
  derived: {
    policybindingmodel_ptr_id: z.uuid(),
    stages: z.array(z.uuid()),
    policies: z.array(z.uuid()),
    cache_count: z.int(),
    background_url: z.string(),
    background_themed_urls: themedUrls,
    export_url: z.string(),
  },
  async derive({ database, files, webPath }, rows) {
    const flows = rows.map((row) => String(row['uuid']));
    const bindings =
      flows.length === 0
        ? []
        : await database.kysely
            .selectFrom('stage_bindings')
            .select(['flow', 'stage'])
            .where('flow', 'in', flows)
            .orderBy('order')
            .execute();
    const backgrounds = await Promise.all(
      rows.map(async ({ background }) => ({
        background_url: await files.url(background === '' ? defaultBackground : background),
        background_themed_urls: await files.themedUrls(background),
      })),
    );
    return rows.map((row, at) => ({
      policybindingmodel_ptr_id: row['pbm_uuid'],
      stages: bindings.filter(({ flow }) => flow === row['uuid']).map(({ stage }) => stage),
      policies: [],
      cache_count: 0,
      ...backgrounds[at],
      export_url: `${webPath}api/v3/flows/instances/${String(row['slug'])}/export/`,
    }));
  },
});

export const stageBindingModel = defineModel({
  id: 'authentik_flows.flowstagebinding',
  noun: 'FlowStageBinding',
  nouns: 'Flow Stage Bindings',
  table: 'stage_bindings',
  key: 'uuid',
  keyType: 'uuid',
  path: '/flows/bindings/',
  bindingKey: 'pbm_uuid',
  fields: {
    target: reference({ name: 'target', in: 'column', column: 'flow', table: 'flows', key: 'uuid', required: true }),
    stage: reference({ name: 'stage', in: 'column', table: 'stages', key: 'uuid', required: true }),
    order: column('order', integer),
    evaluate_on_plan: column('evaluate_on_plan', flag, { initial: false }),
    re_evaluate_policies: column('re_evaluate_policies', flag, { initial: true }),
    policy_engine_mode: column('policy_engine_mode', engineMode, { initial: 'any' }),
    invalid_response_action: column('invalid_response_action', choice('retry', 'restart', 'restart_with_context'), {
      initial: 'retry',
    }),
  },
  search: [],
  order: ['flow', 'order'],
  filters: {
    target: exactly('flow'),
    stage: exactly('stage'),
    fsb_uuid: exactly('uuid'),
    pbm_uuid: exactly('pbm_uuid'),
    order: exactly('order'),
    invalid_response_action: exactly('invalid_response_action'),
    policies: (values) =>
      sql<boolean>`pbm_uuid in (select target from policy_bindings where policy = ${anyKey(values, 'uuid')})`,
    search: ([value = '']) =>
      sql<boolean>`stage in (select uuid from stages where name ilike ${`%${value.replace(/[%_\\]/g, '\\$&')}%`})`,
  },
  async prepare(_unit, values, existing) {
    const onPlan = values['evaluate_on_plan'] ?? existing?.['evaluate_on_plan'];
    const again = values['re_evaluate_policies'] ?? existing?.['re_evaluate_policies'];
    if (onPlan !== true && again !== true)
      throw invalidField(
        're_evaluate_policies',
        'Either evaluation on plan or evaluation when stage is run must be enabled',
      );
    return values;
  },
  derived: { policybindingmodel_ptr_id: z.uuid(), stage_obj: kindOfShape },
  async derive({ database, registry }, rows) {
    const ids = rows.map((row) => String(row['stage']));
    const stages =
      ids.length === 0 ? [] : await database.kysely.selectFrom('stages').selectAll().where('uuid', 'in', ids).execute();
    return rows.map((row) => {
      const stage = stages.find(({ uuid }) => uuid === row['stage']);
      const model = stage === undefined ? undefined : registry.ofKind('stages', stage.kind);
      return {
        policybindingmodel_ptr_id: row['pbm_uuid'],
        stage_obj: {
          pk: stage?.uuid,
          name: stage?.name,
          component: model?.component ?? '',
          verbose_name: model?.noun ?? '',
          verbose_name_plural: model?.nouns ?? '',
          meta_model_name: model?.id ?? '',
          flow_set: [],
        },
      };
    });
  },
});
