// A password change in the user's own session (ldap.md §19.9): runs the core's flow for it and answers its prompts, so that the
// core's own rules decide. Called by the LDAP password modify operation.
import { type CoreClient, createFlowSession } from '@gatehouse/contract/client';
import type { ReceivedChallenge } from '@gatehouse/contract/flow';
import type { CoreSession } from './outcome.ts';

export interface PasswordChange {
  readonly flowSlug: string;
  readonly session: CoreSession;
  readonly newPassword: string;
  readonly remoteIp: string;
  readonly protocol: 'ldap' | 'radius';
  readonly signal: AbortSignal;
}

export type PasswordChangeOutcome =
  | { readonly kind: 'changed' }
  /** A rule of the core, in its own words. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The flow wants what only a browser can give, or is none for this user. */
  | { readonly kind: 'unanswerable'; readonly component: string };

const mostStages = 5;

/** @throws GatewayError `ERR_CONTRACT_…` when the core cannot be asked or answers nonsense */
export async function changePassword(core: CoreClient, change: PasswordChange): Promise<PasswordChangeOutcome> {
  const { flowSlug, signal, newPassword } = change;
  const session = createFlowSession(core, { remoteIp: change.remoteIp }, change.session.cookie);
  const query = { [`goauthentik.io/outpost/${change.protocol}`]: 'true' };
  let challenge = await session.challenge(flowSlug, query, signal);
  let answered = false;
  for (let stages = 0; stages < mostStages; stages++) {
    const refusal = refusalIn(challenge);
    if (refusal !== undefined) return { kind: 'refused', message: refusal };
    // A flow that asked for no password has changed none.
    if (challenge.component === 'xak-flow-redirect' && answered) return { kind: 'changed' };
    const answers = challenge.component === 'ak-stage-prompt' ? answersTo(challenge, newPassword) : undefined;
    if (answers === undefined) break;
    answered ||= Object.values(answers).includes(newPassword);
    challenge = await session.answer(flowSlug, query, { component: challenge.component, ...answers }, signal);
  }
  return { kind: 'unanswerable', component: challenge.component };
}

function refusalIn({ component, response_errors, error_message }: ReceivedChallenge): string | undefined {
  const errors = Object.values(response_errors ?? {}).flat();
  if (errors.length > 0) return errors.map(({ string }) => string).join(' ');
  return component === 'ak-stage-access-denied' ? (error_message ?? 'denied') : undefined;
}

/** Password fields get the new password, the others what they hold already; `undefined` for one that only people can fill. */
function answersTo(
  { fields = [] }: ReceivedChallenge,
  password: string,
): Readonly<Record<string, unknown>> | undefined {
  const answers: Record<string, unknown> = {};
  for (const { field_key: key, type, required, initial_value: initial } of fields)
    if (type === 'password') answers[key] = password;
    else if (initial !== '') answers[key] = initial;
    else if (required) return undefined;
  return answers;
}
