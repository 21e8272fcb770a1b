// The core ends a session: every device that holds a login of it is told.
import type { Logger } from '@gatehouse/daemon/log';
import type { Devices } from './devices.ts';
import type { NasLogins } from './logins.ts';

/** @returns what to call with the id of an ended session; it waits for nothing */
export function createSessionEnd(
  logins: NasLogins,
  devices: Devices,
  log: Pick<Logger, 'error'>,
): (sessionId: string) => void {
  return (sessionId) => {
    for (const login of logins.take(sessionId))
      devices.disconnect(login).catch((error: unknown) => {
        log.error('Disconnect failed', { client: login.client, error: String(error) });
      });
  };
}
