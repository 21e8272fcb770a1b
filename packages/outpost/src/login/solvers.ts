// Answers to the challenges that can be solved without a browser (flow-executor.md §4).
import type { FlowAnswer } from '@gatehouse/contract/client';
import type { ReceivedChallenge } from '@gatehouse/contract/flow';
import type { Credentials } from './mfa-code.ts';

export type Solution =
  | { readonly kind: 'answer'; readonly body: FlowAnswer }
  | { readonly kind: 'mfa_required' }
  | { readonly kind: 'unanswerable' };

export function solve(challenge: ReceivedChallenge, username: string, credentials: Credentials): Solution {
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
      return solveAuthenticator(challenge, credentials.code);
    case 'ak-stage-user-login':
      return answer({ component, remember_me: true });
    default:
      return { kind: 'unanswerable' };
  }
}

/** F6: a typed code goes to a code device; only without one is a push sent. */
function solveAuthenticator(
  { component, device_challenges = [] }: ReceivedChallenge,
  code: string | undefined,
): Solution {
  const byCode = device_challenges.find(({ device_class }) => device_class === 'totp' || device_class === 'static');
  if (code !== undefined && byCode !== undefined) return answer({ component, selected_challenge: byCode, code });
  const duo = device_challenges.find(({ device_class }) => device_class === 'duo');
  if (duo !== undefined && /^\d+$/.test(duo.device_uid))
    return answer({ component, selected_challenge: duo, duo: Number(duo.device_uid) });
  return { kind: 'mfa_required' };
}

function answer(body: FlowAnswer): Solution {
  return { kind: 'answer', body };
}
