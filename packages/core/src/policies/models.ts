// `authentik_policies.policybinding` and the kinds of policies (core.md §6).
import { sql } from 'kysely';
import { z } from 'zod';
import { column, type Field, flag, integer, line, type ModelId, reference, setting, text } from '../models/field.ts';
import { exactly, isTrue } from '../models/filters.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { defineModel, type Model } from '../models/model.ts';

const targets = ['flows', 'stage_bindings', 'applications'] as const;

export const policyBindingModel = defineModel({
  id: 'authentik_policies.policybinding',
  noun: 'PolicyBinding',
  nouns: 'Policy Bindings',
  table: 'policy_bindings',
  key: 'uuid',
  keyType: 'uuid',
  path: '/policies/bindings/',
  fields: {
    policy: reference({ name: 'policy', in: 'column', table: 'policies', key: 'uuid' }),
    group: reference({ name: 'group', in: 'column', table: 'groups', key: 'uuid' }),
    user: reference({ name: 'user', in: 'column', table: 'users', key: 'id' }),
    target: column('target', z.string()),
    negate: column('negate', flag, { initial: false }),
    enabled: column('enabled', flag, { initial: true }),
    order: column('order', integer),
    timeout: column('timeout', integer.min(0), { initial: 30 }),
    failure_result: column('failure_result', flag, { initial: false }),
  },
  order: ['order', 'uuid'],
  filters: {
    policy: exactly('policy'),
    target: exactly('target'),
    target__in: (values) => sql<boolean>`target::text in (${sql.join(values.flatMap((value) => value.split(',')))})`,
    enabled: isTrue('enabled'),
    order: exactly('order'),
    timeout: exactly('timeout'),
  },
  async prepare({ db }, values, existing) {
    const subjects = ['policy', 'group', 'user'].filter(
      (name) => (values[name] === undefined ? existing?.[name] : values[name]) != null,
    );
    if (subjects.length !== 1)
      throw new InvalidInput({
        non_field_errors: [
          subjects.length === 0
            ? "One of 'policy', 'group', 'user' must be set."
            : "Only one of 'policy', 'group', 'user' can be set.",
        ],
      });
    const target = values['target'];
    if (target === undefined) return values;
    for (const table of targets) {
      const found = await sql`select 1 from ${sql.table(table)} where pbm_uuid::text = ${String(target)}`.execute(db);
      if (found.rows.length > 0) return values;
    }
    throw new InvalidInput({ target: [message.missing(target)] });
  },
  async derive({ database, registry }, rows) {
    const { kysely } = database;
    const ids = (name: string) => rows.map((row) => row[name]).filter((value) => value !== null);
    const [policies, groups, users] = await Promise.all([
      kysely
        .selectFrom('policies')
        .selectAll()
        .where('uuid', 'in', [nobody, ...ids('policy').map(String)])
        .execute(),
      kysely
        .selectFrom('groups')
        .selectAll()
        .where('uuid', 'in', [nobody, ...ids('group').map(String)])
        .execute(),
      kysely
        .selectFrom('users')
        .selectAll()
        .where('id', 'in', [-1, ...ids('user').map(Number)])
        .execute(),
    ]);
    return rows.map((row) => {
      const policy = policies.find(({ uuid }) => uuid === row['policy']);
      const group = groups.find(({ uuid }) => uuid === row['group']);
      const user = users.find(({ id }) => id === row['user']);
      return {
        policy_obj: policy && {
          pk: policy.uuid,
          name: policy.name,
          ...kindOf(registry.ofKind('policies', policy.kind)),
        },
        group_obj: group && { pk: group.uuid, name: group.name, is_superuser: group.is_superuser },
        user_obj: user && { pk: user.id, username: user.username, name: user.name },
      };
    });
  },
});

const nobody = '00000000-0000-0000-0000-000000000000';

function kindOf(model: Model | undefined) {
  return {
    component: model?.component ?? '',
    verbose_name: model?.noun ?? '',
    verbose_name_plural: model?.nouns ?? '',
    meta_model_name: model?.id ?? '',
  };
}

interface PolicyKind {
  readonly id: ModelId;
  readonly noun: string;
  readonly path: string;
  readonly component: string;
  readonly fields: Readonly<Record<string, Field>>;
}

function policyModel({ id, noun, path, component, fields }: PolicyKind): Model {
  return {
    id,
    noun,
    nouns: noun.replace(/y$/, 'ies'),
    table: 'policies',
    kind: id,
    key: 'uuid',
    keyType: 'uuid',
    path: `/policies/${path}/`,
    component,
    fields: {
      name: column('name', line),
      execution_logging: setting(flag, { initial: false }),
      ...fields,
    },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name') },
    async derive({ database }, rows) {
      const ids = rows.map((row) => String(row['uuid']));
      const bound = await database.kysely
        .selectFrom('policy_bindings')
        .select(({ fn }) => ['policy', fn.countAll<string>().as('count')])
        .where('policy', 'in', [nobody, ...ids])
        .groupBy('policy')
        .execute();
      return rows.map((row) => ({
        bound_to: Number(bound.find(({ policy }) => policy === row['uuid'])?.count ?? 0),
      }));
    },
  };
}

const count = integer.min(0);

export const policyModels: readonly Model[] = [
  policyModel({
    id: 'authentik_policies_expression.expressionpolicy',
    noun: 'Expression Policy',
    path: 'expression',
    component: 'ak-policy-expression-form',
    fields: { expression: setting(line) },
  }),
  policyModel({
    id: 'authentik_policies_dummy.dummypolicy',
    noun: 'Dummy Policy',
    path: 'dummy',
    component: 'ak-policy-dummy-form',
    fields: {
      result: setting(flag, { initial: false }),
      wait_min: setting(count, { initial: 5 }),
      wait_max: setting(count, { initial: 30 }),
    },
  }),
  policyModel({
    id: 'authentik_policies_password.passwordpolicy',
    noun: 'Password Policy',
    path: 'password',
    component: 'ak-policy-password-form',
    fields: {
      password_field: setting(text, { initial: 'password' }),
      check_static_rules: setting(flag, { initial: true }),
      check_have_i_been_pwned: setting(flag, { initial: false }),
      check_zxcvbn: setting(flag, { initial: false }),
      length_min: setting(count, { initial: 0 }),
      amount_digits: setting(count, { initial: 0 }),
      amount_uppercase: setting(count, { initial: 0 }),
      amount_lowercase: setting(count, { initial: 0 }),
      amount_symbols: setting(count, { initial: 0 }),
      symbol_charset: setting(text, { initial: '!\\"#$%&\'()*+,-./:;<=>?@[\\\\]^_`{|}~ ' }),
      error_message: setting(text, { initial: '' }),
      hibp_allowed_count: setting(count, { initial: 0 }),
      zxcvbn_score_threshold: setting(count, { initial: 2 }),
    },
  }),
  policyModel({
    id: 'authentik_policies_expiry.passwordexpirypolicy',
    noun: 'Password Expiry Policy',
    path: 'password_expiry',
    component: 'ak-policy-password-expiry-form',
    fields: { days: setting(integer), deny_only: setting(flag, { initial: false }) },
  }),
  policyModel({
    id: 'authentik_policies_reputation.reputationpolicy',
    noun: 'Reputation Policy',
    path: 'reputation',
    component: 'ak-policy-reputation-form',
    fields: {
      check_ip: setting(flag, { initial: true }),
      check_username: setting(flag, { initial: true }),
      threshold: setting(integer, { initial: -5 }),
    },
  }),
  policyModel({
    id: 'authentik_policies_event_matcher.eventmatcherpolicy',
    noun: 'Event Matcher Policy',
    path: 'event_matcher',
    component: 'ak-policy-event-matcher-form',
    fields: {
      action: setting(z.string().nullable(), { initial: null }),
      client_ip: setting(z.string().nullable(), { initial: null }),
      app: setting(z.string().nullable(), { initial: null }),
      model: setting(z.string().nullable(), { initial: null }),
      query: setting(z.string().nullable(), { initial: null }),
    },
  }),
];
