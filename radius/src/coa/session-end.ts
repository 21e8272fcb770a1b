// The core ends a session: every device that holds a login of it is told.

import { type DisconnectOptions, disconnect } from './disconnect.ts';
import type { NasLogins } from './logins.ts';

/** @returns what to call with the id of an ended session; it waits for nothing */
export function createSessionEnd(logins: NasLogins, options: DisconnectOptions): (sessionId: string) => void {
  let identifier = 0;
  return (sessionId) => {
    for (const login of logins.take(sessionId)) {
      identifier = (identifier + 1) & 0xff;
      disconnect(login, identifier, options).catch((error: unknown) => {
        options.log.error('Disconnect failed', { client: login.client, error: String(error) });
      });
    }
  };
}
