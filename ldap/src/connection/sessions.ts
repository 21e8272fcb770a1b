// Which connections stand on which session of the core (ldap.md §12.3): a session that ends takes them all with it, and a
// session that nobody stands on any more can be ended.
import type { Identity } from '../authentication/logins.ts';
import type { Connection } from './connection.ts';

export class ConnectionSessions {
  readonly #bySession = new Map<string, Set<Connection>>();
  readonly #onUnused: (identity: Identity, clientIp: string) => void;

  constructor(onUnused: (identity: Identity, clientIp: string) => void) {
    this.#onUnused = onUnused;
  }

  moved(connection: Connection, before: Identity | undefined, now: Identity | undefined): void {
    if (now !== undefined) {
      const connections = this.#bySession.get(now.sessionId) ?? new Set();
      connections.add(connection);
      this.#bySession.set(now.sessionId, connections);
    }
    if (before === undefined || before.sessionId === now?.sessionId) return;
    const connections = this.#bySession.get(before.sessionId);
    if (connections?.delete(connection) !== true || connections.size > 0) return;
    this.#bySession.delete(before.sessionId);
    this.#onUnused(before, connection.clientIp);
  }

  /** The core has ended the session: whoever stands on it is told and cut off. */
  end(sessionId: string): number {
    const connections = this.#bySession.get(sessionId);
    this.#bySession.delete(sessionId);
    for (const connection of connections ?? []) connection.sessionEnded();
    return connections?.size ?? 0;
  }

  /** The user is gone or switched off. Linear in sessions. @returns how many connections were cut off */
  endUser(userPk: number): number {
    let count = 0;
    for (const connections of this.#bySession.values())
      for (const connection of connections) {
        if (connection.identity?.userPk !== userPk) continue;
        connection.sessionEnded();
        count += 1;
      }
    return count;
  }
}
