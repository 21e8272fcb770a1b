// Open upgrades by whose session they began under, so that they end with it (proxy.md §17.30, issue: within a second).
import type { Duplex } from 'node:stream';
import type { VerifiedIdentity } from '../authentication/identity.ts';
import type { Allow } from '../authentication/verdict.ts';

export interface Tunnels {
  add(socket: Duplex, allow: Allow): void;
  end(ended: { readonly sub?: string; readonly sid?: string }): void;
  /** Whoever has one open; each identity as often as it has. */
  identities(): VerifiedIdentity[];
  closeAll(): void;
  readonly size: number;
}

export function createTunnels(): Tunnels {
  const open = new Map<Duplex, Allow>();
  return {
    add(socket, allow) {
      if (socket.destroyed) return;
      open.set(socket, allow);
      socket.once('close', () => open.delete(socket));
    },
    end({ sub, sid }) {
      for (const [socket, { identity }] of open) {
        const claims = identity?.claims;
        if (claims === undefined) continue;
        if ((sub !== undefined && claims.sub === sub) || (sid !== undefined && claims.sid === sid)) socket.destroy();
      }
    },
    identities: () => [...open.values()].flatMap(({ identity }) => identity ?? []),
    closeAll() {
      for (const socket of open.keys()) socket.destroy();
    },
    get size() {
      return open.size;
    },
  };
}
