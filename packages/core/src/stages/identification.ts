// Identification (flow-executor.md §11.1): who wants in, optionally with the password on the same page.
import { z } from 'zod';
import { flowSlug } from '../flows/default-flow.ts';
import { stageByKey } from '../flows/stored.ts';
import { findByIdentifier } from '../identity/users.ts';
import { choice, flag, reference, setting } from '../models/field.ts';
import { attemptOf, loginFailed, loginWaitSeconds } from '../policies/login-brake.ts';
import { lowerReputation } from '../policies/reputation.ts';
import { passwordFailed, tooManyAttempts } from './password.ts';
import { authenticate, backendsOf } from './password-backends.ts';
import { invalid, ok, type StageContext, type StageKind, type Step, stageModel, textOf } from './stage.ts';

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

  async show(context) {
    const { settings, flow: visited, plan } = context;
    const hint = plan.context['pending_user_identifier'];
    const embedded = await embeddedPassword(context);
    if (typeof hint === 'string' && plan.context[hintTriedKey] !== true && embedded === undefined) {
      plan.context[hintTriedKey] = true;
      if ((await identify(context, hint, undefined)).step === 'ok') return ok;
    }
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-identification',
        user_fields: fieldsOf(settings['user_fields']),
        ...(typeof hint === 'string' ? { pending_user_identifier: hint } : {}),
        password_fields: embedded !== undefined,
        allow_show_password: embedded?.['allow_show_password'] === true,
        ...(await linksOf(context)),
        flow_designation: visited.designation,
        captcha_stage: null,
        primary_action: visited.designation === 'authentication' ? 'Log in' : 'Continue',
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
    return identify(context, typed, textOf(answer, 'password'));
  },
};

const hintTriedKey = 'goauthentik.io/stages/identification/hint_tried';

async function identify(context: StageContext, typed: string, password: string | undefined): Promise<Step> {
  const { deps, settings, plan, request } = context;
  const embedded = await embeddedPassword(context);
  const found = await findByIdentifier(deps, fieldsOf(settings['user_fields']), typed);
  const exact = settings['case_insensitive_matching'] !== false || found === undefined || matchesExactly(found, typed);
  const user = exact ? found : undefined;
  const wait = embedded === undefined ? 0 : await loginWaitSeconds(deps, attemptOf(user?.username ?? typed, request));
  if (wait > 0) return tooManyAttempts('non_field_errors', wait);
  if (settings['show_matched_user'] === false) plan.context['pending_user_identifier'] = typed;
  if (user === undefined) return unknownUser(context, typed, embedded !== undefined);
  plan.context['pending_user'] = { pk: user.id };
  if (embedded === undefined) return ok;
  const backend = await authenticate(deps, backendsOf(embedded), user, password ?? '');
  if (backend === undefined) {
    await passwordFailed(context, user.username);
    return failed;
  }
  plan.context['user_backend'] = backend.name;
  plan.context['auth_method'] = backend.method;
  return ok;
}

/** Where else a visitor may want to go, and which application brought him here. */
async function linksOf({ deps, settings, plan }: StageContext) {
  const application = plan.context['application'];
  const part = (name: string): unknown =>
    typeof application === 'object' && application !== null ? Reflect.get(application, name) : undefined;
  const name = part('name');
  const launch = part('launch_url');
  const page = async (field: string) => {
    const slug = await flowSlug(deps, settings[field]);
    return slug === undefined ? undefined : `${deps.webPath}if/flow/${slug}/`;
  };
  const [enroll, recovery, passwordless] = [
    await page('enrollment_flow'),
    await page('recovery_flow'),
    await page('passwordless_flow'),
  ];
  return {
    ...(typeof name === 'string' ? { application_pre: name } : {}),
    ...(typeof launch === 'string' ? { application_pre_launch: launch } : {}),
    ...(enroll === undefined ? {} : { enroll_url: enroll }),
    ...(recovery === undefined ? {} : { recovery_url: recovery }),
    ...(passwordless === undefined ? {} : { passwordless_url: passwordless }),
  };
}

/** Takes as long as a known user would; the visitor learns nothing from how it goes on. */
async function unknownUser(context: StageContext, typed: string, embedded: boolean): Promise<Step> {
  const { deps, plan, settings, request } = context;
  const goesOn = settings['pretend_user_exists'] !== false && !embedded;
  if (!goesOn) {
    await deps.passwords.check('', '!');
    await lowerReputation(deps, typed, request.clientIp);
    await loginFailed(deps, attemptOf(typed, request));
  } // else the password stage costs and counts the same for names that exist and names that do not
  plan.context['pending_user'] = { username: typed };
  return goesOn ? ok : failed;
}

function matchesExactly(
  user: { readonly username: string; readonly email: string; readonly attributes: Readonly<Record<string, unknown>> },
  typed: string,
): boolean {
  return [user.username, user.email, user.attributes['upn']].includes(typed);
}

async function embeddedPassword({
  deps,
  settings,
}: StageContext): Promise<Readonly<Record<string, unknown>> | undefined> {
  const pk = settings['password_stage'];
  if (typeof pk !== 'string') return undefined;
  return (await stageByKey(deps, pk))?.settings;
}

function fieldsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
