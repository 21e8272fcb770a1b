// Approving a device (RFC 8628 §3.3, flow-executor.md §12): its code is asked for, then the provider's authorization flow is
// walked, and at its end the device belongs to whoever is signed in. Put in by code only.
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import type { Plan, PlannedStage } from '../flows/plan.ts';
import { flowByKey } from '../flows/stored.ts';
import { applicationContext, mayUse } from '../oidc/access.ts';
import { type Client, clientByKey } from '../oidc/client.ts';
import { consentContext } from '../oidc/consent-context.ts';
import { approveDevice, denyDevice, type WaitingDevice, waitingDevice } from '../oidc/device-grants.ts';
import { deviceGrantType } from '../oidc/device-start.ts';
import { loginFactsOf } from '../oidc/login-facts.ts';
import { deny, invalid, ok, type StageContext, type StageKind, type Step, stageModel, textOf } from './stage.ts';

const codeKind = 'authentik_providers_oauth2.devicecodestage';
const approvalKind = 'authentik_providers_oauth2.devicecodefinishstage';
const deviceKey = 'gatehouse/oauth/device';

const planned = (kind: string, name: string): PlannedStage => ({
  engineMode: 'any',
  reEvaluate: false,
  invalidResponse: 'retry',
  stage: { kind, name, settings: {} },
});

/** Behind the stages of the brand's device flow. */
export const deviceCodeStage = planned(codeKind, 'Device code');

/** Of a plan that is cancelled: its device is told so (RFC 8628 §3.5, `access_denied`). */
export async function cancelDevice(deps: CoreDeps, context: Plan['context']): Promise<void> {
  const waiting = device.safeParse(context[deviceKey]).data;
  if (waiting !== undefined) await denyDevice(deps, waiting.hash);
}

const device = z.object({ hash: z.string(), provider: z.number(), scopes: z.array(z.string()) });

export const deviceCodeKind: StageKind = {
  model: stageModel({ id: codeKind, noun: 'Device Code Stage', path: 'device_code', component: '' }),
  async show(context) {
    if (context.request.user === undefined) return deny('Sign in first.');
    return { step: 'show', challenge: { component: 'ak-provider-oauth2-device-code' } };
  },
  async answer(context, answer) {
    const { deps, request } = context;
    if (request.user === undefined) return deny('Sign in first.');
    const code = textOf({ code: String(answer['code'] ?? '') }, 'code').replaceAll(/\D/g, '');
    const waiting = code.length === 9 ? await waitingDevice(deps, code) : undefined;
    const client = waiting === undefined ? undefined : await clientByKey(deps, waiting.provider);
    if (waiting === undefined || client === undefined) return wrongCode(context);
    return authorizeDevice(context, client, waiting);
  },
};

/** Codes are short, so they are guessed slowly (RFC 8628 §5.1). */
function wrongCode({ deps, request }: StageContext): Step {
  const waitSeconds = deps.deviceStarts.count(`user ${request.user?.id}`);
  if (waitSeconds !== undefined)
    return deny(`Too many wrong codes. Try again in ${Math.ceil(waitSeconds / 60)} minutes.`);
  return invalid('code', 'Invalid code');
}

async function authorizeDevice(context: StageContext, client: Client, waiting: WaitingDevice): Promise<Step> {
  const { deps, request } = context;
  const { user } = request;
  if (user === undefined) return deny('Sign in first.');
  const oauth = { oauth_scopes: waiting.scopes, oauth_grant_type: deviceGrantType };
  const { passing, messages } = await mayUse(deps, { client, user, request, oauth });
  if (!passing) return deny(['You do not have permission to access this application.', ...messages].join(' '));
  const flow = client.authorizationFlow === null ? undefined : await flowByKey(deps, client.authorizationFlow);
  if (flow === undefined) return deny('The provider has no authorization flow.');
  return {
    step: 'continue in',
    flow: flow.slug,
    context: {
      application: applicationContext(client),
      ...consentContext(client, waiting.scopes),
      [deviceKey]: waiting,
    },
    finally: planned(approvalKind, 'Device approval'),
  };
}

export const deviceApprovalKind: StageKind = {
  model: stageModel({ id: approvalKind, noun: 'Device Code Finish Stage', path: 'device_code_finish', component: '' }),
  async show({ deps, plan, request }) {
    const waiting = device.safeParse(plan.context[deviceKey]).data;
    const { user, session } = request;
    if (waiting === undefined || user === undefined) return deny('There is no device to approve.');
    const { authTime, amr } = loginFactsOf(session.data);
    const isFirst = plan.context[`${deviceKey}/approved`] !== true;
    if (isFirst && !(await approveDevice(deps, waiting, { user, session: session.id, authTime, amr })))
      return deny('The code has run out. Start again on the device.');
    plan.context[`${deviceKey}/approved`] = true;
    if (isFirst)
      await recordEvent(deps, {
        action: 'authorize_application',
        app: 'authentik.providers.oauth2',
        user,
        request,
        context: {
          authorized_application: plan.context['application'],
          scopes: waiting.scopes.join(' '),
          device: true,
        },
      });
    return { step: 'show', challenge: { component: 'ak-provider-oauth2-device-code-finish' } };
  },
  answer: async () => ok,
};
