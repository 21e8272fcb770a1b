// Answers to the challenges that can be solved without a browser (flow-executor.md §4).
import type { FlowAnswer } from '@gatehouse/contract/client';
import type { ReceivedChallenge } from '@gatehouse/contract/flow';
import type { Credentials } from './mfa-code.ts';

export type Solution =
  | { readonly kind: 'answer'; readonly body: FlowAnswer }
  /** Makes the core send a code; the login ends with it, and the next one brings the code. */
  | { readonly kind: 'send_code'; readonly body: FlowAnswer; readonly by: string }
  | { readonly kind: 'mfa_required' }
  | { readonly kind: 'unanswerable' };

/** @param sendCodes whether a text message or e-mail may be caused where no code was typed */
export function solve(
  challenge: ReceivedChallenge,
  username: string,
  credentials: Credentials,
  sendCodes = false,
): Solution {
  const { component } = challenge;
  switch (component) {
    case 'ak-stage-identification':
      // F19: the password is sent only where it is asked for.
      return answer(
        challenge.password_fields === true
          ? { component, uid_field: username, password: credentials.password }
          : { component, uid_field: username },
      );
    case 'ak-stage-password':
      return answer({ component, password: credentials.password });
    case 'ak-stage-authenticator-validate':
      return solveAuthenticator(challenge, credentials.code, sendCodes);
    case 'ak-stage-user-login':
      return answer({ component, remember_me: true });
    default:
      return { kind: 'unanswerable' };
  }
}

/**
 * F6: a typed code goes to a code device; only without one is a push sent. A code that was sent is not bound to the challenge
 * that sent it, and choosing the device again would send another: it goes out alone.
 */
function solveAuthenticator(
  { component, device_challenges = [] }: ReceivedChallenge,
  code: string | undefined,
  sendCodes: boolean,
): Solution {
  const offered = (...classes: string[]) =>
    device_challenges.find(({ device_class }) => classes.includes(device_class));
  const own = offered('totp', 'static');
  if (code !== undefined && own !== undefined) return answer({ component, selected_challenge: own, code });
  const sent = offered('sms', 'email');
  if (code !== undefined && sent !== undefined) return answer({ component, code });
  const duo = offered('duo');
  if (duo !== undefined && /^\d+$/.test(duo.device_uid))
    return answer({ component, selected_challenge: duo, duo: Number(duo.device_uid) });
  if (sent !== undefined && sendCodes)
    return { kind: 'send_code', body: { component, selected_challenge: sent }, by: sent.device_class };
  return { kind: 'mfa_required' };
}

export interface CodeDevice {
  readonly challenge: DeviceChallenge;
  /** The core sends the code when the device is chosen. */
  readonly isSent: boolean;
  readonly prompt: string;
}
type DeviceChallenge = NonNullable<ReceivedChallenge['device_challenges']>[number];

const promptOf: Readonly<Record<string, string>> = {
  totp: 'Code of your authenticator app',
  static: 'One of your recovery codes',
  sms: 'Code that was sent to your telephone',
  email: 'Code that was sent to you by e-mail',
};

/** The device whose code the user is asked for: what is at hand before what has to be sent. */
export function chooseCodeDevice({ device_challenges = [] }: ReceivedChallenge): CodeDevice | undefined {
  for (const wanted of ['totp', 'static', 'sms', 'email']) {
    const challenge = device_challenges.find(({ device_class }) => device_class === wanted);
    if (challenge !== undefined)
      return { challenge, isSent: wanted === 'sms' || wanted === 'email', prompt: promptOf[wanted] ?? 'Code' };
  }
  return undefined;
}

function answer(body: FlowAnswer): Solution {
  return { kind: 'answer', body };
}
