// Identification (flow-executor.md §11.1): who wants in, optionally with the password on the same page.
import { z } from 'zod';
import { recordEvent } from '../events/record.ts';
import { findByIdentifier } from '../identity/users.ts';
import { choice, flag, reference, setting } from '../models/field.ts';
import { authenticate, backendsOf } from './password-backends.ts';
import { type Answer, invalid, ok, type StageContext, type StageKind, type Step, stageModel } from './stage.ts';

const flow = (name: string) => reference({ name, in: 'setting', table: 'flows', key: 'uuid' });
const stage = (name: string) => reference({ name, in: 'setting', table: 'stages', key: 'uuid' });

const failed = invalid('non_field_errors', 'Failed to authenticate.');

export const identificationStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_identification.identificationstage',
    noun: 'Identification Stage',
    path: 'identification',
    component: 'ak-stage-identification-form',
    fields: {
      user_fields: setting(z.array(choice('email', 'username', 'upn')), { initial: [] }),
      password_stage: stage('password_stage'),
      captcha_stage: stage('captcha_stage'),
      webauthn_stage: stage('webauthn_stage'),
      case_insensitive_matching: setting(flag, { initial: true }),
      show_matched_user: setting(flag, { initial: true }),
      pretend_user_exists: setting(flag, { initial: true }),
      enable_remember_me: setting(flag, { initial: false }),
      enrollment_flow: flow('enrollment_flow'),
      recovery_flow: flow('recovery_flow'),
      passwordless_flow: flow('passwordless_flow'),
      sources: setting(z.array(z.string()), { initial: [] }),
      show_source_labels: setting(flag, { initial: false }),
    },
  }),

  async show({ settings, flow: { designation }, plan, deps }) {
    const hint = plan.context['pending_user_identifier'];
    const application = plan.context['application'];
    const name: unknown =
      typeof application === 'object' && application !== null ? Reflect.get(application, 'name') : undefined;
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-identification',
        user_fields: fieldsOf(settings['user_fields']),
        ...(typeof hint === 'string' ? { pending_user_identifier: hint } : {}),
        password_fields: (await embeddedPassword(deps, settings)) !== undefined,
        allow_show_password: (await embeddedPassword(deps, settings))?.['allow_show_password'] === true,
        ...(typeof name === 'string' ? { application_pre: name } : {}),
        flow_designation: designation,
        captcha_stage: null,
        primary_action: designation === 'authentication' ? 'Log in' : 'Continue',
        sources: [],
        show_source_labels: settings['show_source_labels'] === true,
        enable_remember_me: settings['enable_remember_me'] === true,
        passkey_challenge: null,
      },
    };
  },

  async answer(context, answer) {
    const typed = textOf(answer, 'uid_field').trim();
    if (typed === '') return invalid('non_field_errors', 'No identification data provided.');
    const { deps, settings, plan } = context;
    const embedded = await embeddedPassword(deps, settings);
    const found = await findByIdentifier(deps, fieldsOf(settings['user_fields']), typed);
    const exact =
      settings['case_insensitive_matching'] !== false || found === undefined || matchesExactly(found, typed);
    const user = exact ? found : undefined;
    if (settings['show_matched_user'] === false) plan.context['pending_user_identifier'] = typed;
    if (user === undefined) return unknownUser(context, typed, embedded !== undefined);
    plan.context['pending_user'] = { pk: user.id };
    if (embedded === undefined) return ok;
    const backend = await authenticate(deps, backendsOf(embedded), user, textOf(answer, 'password'));
    if (backend === undefined) {
      await recordEvent(deps, {
        action: 'login_failed',
        app: 'authentik.stages.identification',
        request: context.request,
        context: { username: user.username, stage: context.stage.name },
      });
      return failed;
    }
    plan.context['user_backend'] = backend.name;
    plan.context['auth_method'] = backend.method;
    return ok;
  },
};

/** Takes as long as a known user would; the visitor learns nothing from how it goes on. */
async function unknownUser({ deps, plan, settings }: StageContext, typed: string, embedded: boolean): Promise<Step> {
  await deps.passwords.check('', '!');
  plan.context['pending_user'] = { username: typed };
  return settings['pretend_user_exists'] !== false && !embedded ? ok : failed;
}

function matchesExactly(
  user: { readonly username: string; readonly email: string; readonly attributes: Readonly<Record<string, unknown>> },
  typed: string,
): boolean {
  return [user.username, user.email, user.attributes['upn']].includes(typed);
}

async function embeddedPassword(
  { database }: StageContext['deps'],
  settings: StageContext['settings'],
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const pk = settings['password_stage'];
  if (typeof pk !== 'string') return undefined;
  const row = await database.kysely.selectFrom('stages').select('settings').where('uuid', '=', pk).executeTakeFirst();
  return row?.settings;
}

function fieldsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** A text of an answer; empty when it is absent or something else. */
export function textOf(answer: Answer, name: string): string {
  const value = answer[name];
  return typeof value === 'string' ? value : '';
}
