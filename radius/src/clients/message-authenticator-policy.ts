// Whether an Access-Request may come without Message-Authenticator (radius.md §4.4, CVE-2024-3596).

export interface MessageAuthenticatorPolicy {
  readonly require: 'no' | 'auto' | 'yes';
  readonly limitProxyState: boolean;
}

export interface RequestShape {
  readonly client: string;
  readonly hasMessageAuthenticator: boolean;
  readonly hasProxyState: boolean;
  readonly isEap: boolean;
}

export interface MessageAuthenticatorGate {
  /** Call with authenticators checked; `latched` says that `auto` demands one of this address from now on. */
  admit(shape: RequestShape): 'admitted' | 'latched' | 'refused';
}

/** Addresses that `auto` has latched; more than any network has devices. */
const maxLatched = 100_000;

export function createMessageAuthenticatorGate(policy: MessageAuthenticatorPolicy): MessageAuthenticatorGate {
  const latched = new Set<string>();
  return {
    admit({ client, hasMessageAuthenticator, hasProxyState, isEap }) {
      if (hasMessageAuthenticator) {
        // Not on EAP: gear that signs EAP often sends PAP and MAC logins unsigned, from the same address.
        const isNew = policy.require === 'auto' && !isEap && !latched.has(client) && latched.size < maxLatched;
        if (isNew) latched.add(client);
        return isNew ? 'latched' : 'admitted';
      }
      // RFC 3579 §3.1: EAP-Message without Message-Authenticator MUST be silently discarded.
      if (isEap || policy.require === 'yes' || latched.has(client)) return 'refused';
      return policy.limitProxyState && hasProxyState ? 'refused' : 'admitted';
    },
  };
}
