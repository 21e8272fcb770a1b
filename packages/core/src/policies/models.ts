// The kinds of policies (core.md §6).
import { z } from 'zod';
import { checkExpression } from '../expressions/check.ts';
import { countries } from '../geoip/countries.ts';
import { column, type Field, flag, integer, line, type ModelId, setting, text } from '../models/field.ts';
import { exactly, isKey } from '../models/filters.ts';
import { defineModel, type Model, type Row } from '../models/model.ts';
import { settingsOf } from '../providers/models.ts';

const nobody = '00000000-0000-0000-0000-000000000000';

interface PolicyKind {
  readonly id: ModelId;
  readonly noun: string;
  readonly path: string;
  readonly component: string;
  readonly fields: Readonly<Record<string, Field>>;
  readonly prepare?: Model['prepare'];
  /** What it shows beyond its fields, from its settings. */
  readonly shows?: {
    readonly shape: NonNullable<Model['derived']>;
    readonly of: (settings: Readonly<Record<string, unknown>>) => Row;
  };
}

function policyModel({ id, noun, path, component, fields, prepare, shows }: PolicyKind): Model {
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
    filters: { name: exactly('name'), policy_uuid: isKey('uuid', 'uuid') },
    ...(prepare === undefined ? {} : { prepare }),
    derived: { bound_to: z.int(), ...shows?.shape },
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
        ...shows?.of(settingsOf(row)),
      }));
    },
  };
}

const count = integer.min(0);
const known = countries();
const isCountry = (code: string) => known.has(code);
const named = (code: string) => ({ code, name: known.get(code) ?? code });

/** What logins have earned (core.md §6); written by logins only. */
export const reputationModel = defineModel({
  id: 'authentik_policies_reputation.reputation',
  noun: 'Reputation Score',
  nouns: 'Reputation Scores',
  table: 'reputation',
  key: 'uuid',
  keyType: 'uuid',
  path: '/policies/reputation/scores/',
  verbs: ['list', 'retrieve', 'delete'],
  internal: true,
  fields: {
    identifier: column('identifier', text),
    ip: column('ip', text),
    score: column('score', integer),
    updated: column('updated', z.date()),
  },
  search: ['identifier', 'ip'],
  order: ['ip', 'identifier'],
  filters: { identifier: exactly('identifier'), ip: exactly('ip'), score: exactly('score') },
  derived: { ip_geo_data: z.looseObject({}), ip_asn_data: z.looseObject({}) },
  async derive({ locations }, rows) {
    const located = await Promise.all(rows.map((row) => locations.of(String(row['ip']))));
    return located.map(({ place, network }) => ({ ip_geo_data: place ?? {}, ip_asn_data: network ?? {} }));
  },
});

export const policyModels: readonly Model[] = [
  policyModel({
    id: 'authentik_policies_expression.expressionpolicy',
    noun: 'Expression Policy',
    path: 'expression',
    component: 'ak-policy-expression-form',
    fields: { expression: setting(line) },
    prepare: checkExpression,
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
  policyModel({
    id: 'authentik_policies_geoip.geoippolicy',
    noun: 'GeoIP Policy',
    path: 'geoip',
    component: 'ak-policy-geoip-form',
    fields: {
      asns: setting(z.array(integer), { initial: [] }),
      countries: setting(z.array(z.string().refine(isCountry, { error: 'This is no country of ISO 3166-1.' })), {
        initial: [],
      }),
      check_history_distance: setting(flag, { initial: false }),
      history_max_distance_km: setting(count, { initial: 100 }),
      distance_tolerance_km: setting(count, { initial: 50 }),
      history_login_count: setting(count, { initial: 5 }),
      check_impossible_travel: setting(flag, { initial: false }),
      impossible_tolerance_km: setting(count, { initial: 100 }),
    },
    shows: {
      shape: { countries_obj: z.array(z.object({ code: z.string(), name: z.string() })) },
      of: ({ countries: codes }) => ({ countries_obj: Array.isArray(codes) ? codes.map(named) : [] }),
    },
  }),
];
