// TLS sessions that a later conversation may resume (RFC 9190 §2.1.2, RFC 9427 §4): kept only once the login that they
// belong to was accepted, for a time and a number; bound to provider, method and outer identity. They prove that the same
// peer is there again and nothing more: who that is, and whether access is still granted, is asked anew each time (RFC 9190
// §5.7). Called by eap.ts.
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '@gatehouse/daemon/async';
import type { EapMethod } from './methods.ts';

/** What a session may be used for. */
export interface TlsSessionUse {
  readonly providerPk: number;
  readonly method: EapMethod['name'];
  /** Outside the tunnel, as it was when the session was made. */
  readonly identity: string;
}

/** Who the peer has proved to be in the login that the session comes from. */
export type Proved =
  /** Its certificate is judged again, and what it is worth asked about. */
  | { readonly kind: 'certificate'; readonly own: X509Certificate }
  /** Said inside the tunnel; the core's verdict on it is kept under this ticket. */
  | { readonly kind: 'inner'; readonly username: string; readonly ticket: string };

export interface TlsSession extends TlsSessionUse {
  /** As OpenSSL writes it; secret. */
  readonly session: Buffer;
  readonly proved: Proved;
  /** Monotonic. Of the login, not of the session: resuming makes it no longer. */
  readonly endMs: number;
}

export interface TlsSessions {
  keep(id: Buffer, session: TlsSession): void;
  find(id: Buffer, use: TlsSessionUse): TlsSession | undefined;
  readonly size: number;
}

/** Some 2 KiB each, and with a client certificate as much again for each that it came with. */
const maxSessions = 10_000;

export function createTlsSessions(clock: Clock): TlsSessions {
  const sessions = new Map<string, TlsSession>();
  /** The oldest come first. */
  const expire = () => {
    const nowMs = clock.monotonicMs();
    for (const [key, { endMs }] of sessions) {
      if (endMs > nowMs && sessions.size < maxSessions) return;
      sessions.delete(key);
    }
  };
  return {
    keep(id, session) {
      expire();
      sessions.set(id.toString('hex'), session);
    },
    find(id, { providerPk, method, identity }) {
      const found = sessions.get(id.toString('hex'));
      if (found === undefined || clock.monotonicMs() >= found.endMs) return undefined;
      const isSame = found.providerPk === providerPk && found.method === method && found.identity === identity;
      return isSame ? found : undefined;
    },
    get size() {
      return sessions.size;
    },
  };
}
