// Whether an Access-Request may come without Message-Authenticator (radius.md §4.4, CVE-2024-3596): as each client's
// settings say, so that old gear can be let in alone while everything else is held to it.
import type { ClientSettings } from './settings.ts';

export type MessageAuthenticatorPolicy = Pick<ClientSettings, 'requireMessageAuthenticator' | 'limitProxyState'>;

export interface RequestShape {
  readonly client: string;
  readonly hasMessageAuthenticator: boolean;
  readonly hasProxyState: boolean;
  readonly isEap: boolean;
}

export interface MessageAuthenticatorGate {
  /** Call with authenticators checked; `latched` says that `auto` demands one of this address from now on. */
  admit(shape: RequestShape, policy: MessageAuthenticatorPolicy): 'admitted' | 'latched' | 'refused';
  /** A sibling has latched this address. */
  latch(client: string): void;
  /** What each address has sent so far, for people: who would be shut out if it were demanded of all. */
  text(): string;
}

/** Addresses that `auto` has latched; more than any network has devices. */
const maxLatched = 100_000;

export function createMessageAuthenticatorGate(): MessageAuthenticatorGate {
  const latched = new Set<string>();
  const seen = new Map<string, { signed: number; unsigned: number }>();
  const note = (client: string, isSigned: boolean) => {
    const known = seen.get(client);
    const counts = known ?? { signed: 0, unsigned: 0 };
    if (isSigned) counts.signed += 1;
    else counts.unsigned += 1;
    if (known === undefined && seen.size < maxLatched) seen.set(client, counts);
  };
  return {
    latch: (client) => void latched.add(client),
    text() {
      if (seen.size === 0) return 'No Access-Request since the start.\n';
      const lines = [...seen].map(([client, { signed, unsigned }]) => {
        const verdict =
          unsigned === 0
            ? 'ready for yes'
            : signed === 0
              ? 'would be shut out by yes'
              : 'signs some only: see its PAP and MAC logins';
        return `${client.padEnd(15)}  ${signed} with, ${unsigned} without Message-Authenticator${latched.has(client) ? ', demanded by auto' : ''}: ${verdict}`;
      });
      return `${lines.join('\n')}\n`;
    },
    admit({ client, hasMessageAuthenticator, hasProxyState, isEap }, policy) {
      // EAP is always signed: it says nothing about a device's other logins.
      if (!isEap) note(client, hasMessageAuthenticator);
      if (hasMessageAuthenticator) {
        // Not on EAP: gear that signs EAP often sends PAP and MAC logins unsigned, from the same address.
        const isNew =
          policy.requireMessageAuthenticator === 'auto' && !isEap && !latched.has(client) && latched.size < maxLatched;
        if (isNew) latched.add(client);
        return isNew ? 'latched' : 'admitted';
      }
      // RFC 3579 §3.1: EAP-Message without Message-Authenticator MUST be silently discarded.
      const isLatched = policy.requireMessageAuthenticator === 'auto' && latched.has(client);
      if (isEap || policy.requireMessageAuthenticator === 'yes' || isLatched) return 'refused';
      return policy.limitProxyState && hasProxyState ? 'refused' : 'admitted';
    },
  };
}
