// Mutual TLS: a client certificate says who somebody is. It must hang at an authority of the stage, or of the brand where the
// stage names none; one of its names then finds one user, or is what somebody enrols with. The visitor learns that he was
// refused, the event says why. What is doubtful is refused: names of several users, a user other than the flow is about.
import type { X509Certificate } from 'node:crypto';
import { subjectOf, textOfName } from '../../crypto/certificates.ts';
import { recordEvent } from '../../events/record.ts';
import { pendingUserOf } from '../../flows/plan.ts';
import type { PresentedCertificate } from '../../flows/request.ts';
import { choice, setting, settingReferences } from '../../models/field.ts';
import { ofSetting } from '../../models/filters.ts';
import { deny, ok, type StageContext, type StageKind, type Step, stageModel } from '../stage.ts';
import { type Presented, reasonAgainst } from './authorities.ts';
import { namesIn, ownerOf } from './owner.ts';

const fields = {
  mode: setting(choice('optional', 'required')),
  certificate_authorities: settingReferences({ table: 'certificates', key: 'uuid' }),
  cert_attribute: setting(choice('subject', 'common_name', 'email')),
  user_attribute: setting(choice('username', 'email')),
};
/** What it has beside every stage's own. */
export type MutualTlsField = keyof typeof fields;

export const mutualTlsStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_mtls.mutualtlsstage',
    noun: 'Mutual TLS Stage',
    path: 'mtls',
    component: 'ak-stage-mtls-form',
    fields,
    filters: {
      mode: ofSetting('mode'),
      cert_attribute: ofSetting('cert_attribute'),
      user_attribute: ofSetting('user_attribute'),
    },
    permissions: ['pass_outpost_certificate'],
  }),

  async show(context) {
    const presented = await context.request.clientCertificate();
    const reason = await judge(context, presented);
    if (reason === undefined) return ok;
    // An optional one that counts for nothing is as good as none: the flow asks for something else. Behind an outpost the
    // certificate is all there is, and a flow that goes on would let its bearer in by the name he has typed.
    const isAllThereIs = presented.kind !== 'none' && presented.by === 'outpost';
    if (context.settings['mode'] === 'optional' && !isAllThereIs) return goOn(context, reason);
    return refuse(context, reason, presented.kind === 'presented' ? presented : undefined);
  },
};

/** @returns why the certificate stands for nobody */
async function judge(context: StageContext, presented: PresentedCertificate): Promise<string | undefined> {
  if (presented.kind === 'none') return 'no certificate was presented';
  if (presented.kind === 'unusable') return presented.reason;
  return (await reasonAgainst(context, presented)) ?? settle(context, presented);
}

function goOn({ deps, stage }: StageContext, reason: string): Step {
  deps.log.debug('certificate not used', { stage: stage.name, reason });
  return ok;
}

async function refuse(context: StageContext, reason: string, presented: Presented | undefined): Promise<Step> {
  const { deps, request, stage } = context;
  await recordEvent(deps, {
    action: 'login_failed',
    app: 'authentik.stages.mtls',
    request,
    context: {
      stage: stage.name,
      reason,
      ...(presented === undefined ? {} : { certificate: factsOf(presented.leaf) }),
      ...(request.outpost === undefined ? {} : { outpost: request.outpost.username }),
    },
  });
  return deny(
    presented === undefined
      ? 'Certificate required but no certificate was given.'
      : 'The certificate was not accepted.',
  );
}

/** Puts into the plan whom a good certificate stands for. @returns why it stands for nobody this flow is about */
async function settle({ deps, flow, plan, settings }: StageContext, { leaf }: Presented): Promise<string | undefined> {
  const { cert_attribute: inCertificate, user_attribute: ofUser } = settings;
  const names = namesIn(leaf, inCertificate);
  if (names.length === 0) return `the certificate has no ${String(inCertificate)}`;
  const facts = factsOf(leaf);
  if (flow.designation === 'enrollment') {
    if (names.length > 1) return 'the certificate has several names to enrol with';
    plan.context['prompt_data'] = { ...asObject(plan.context['prompt_data']), [String(ofUser)]: names[0] };
  } else {
    const owner = await ownerOf(deps, names, ofUser);
    if ('reason' in owner) return owner.reason;
    const pending = pendingUserOf(plan.context);
    if (pending !== undefined && 'pk' in pending && pending.pk !== owner.user.id)
      return `the certificate is of ${owner.user.username}, the flow about somebody else`;
    plan.context['pending_user'] = { pk: owner.user.id };
    plan.context['auth_method'] = 'mtls';
    plan.context['auth_method_args'] = { ...asObject(plan.context['auth_method_args']), certificate: facts };
  }
  plan.context['certificate'] = { ...facts, raw: leaf.toString() };
  return undefined;
}

function factsOf(leaf: X509Certificate) {
  return {
    serial_number: BigInt(`0x${leaf.serialNumber}`).toString(),
    subject: subjectOf(leaf),
    issuer: textOfName(leaf.issuer),
    fingerprint_sha256: leaf.fingerprint256,
    fingerprint_sha1: leaf.fingerprint,
  };
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
