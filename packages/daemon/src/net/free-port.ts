// A port before anybody listens on it, for processes that have to know each other's address from the start.
import { createServer } from 'node:net';

/** A TCP port that nobody uses at this moment. */
export function freePort(host = '127.0.0.1'): Promise<number> {
  const probe = createServer();
  return new Promise((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(0, host, () => {
      const at = probe.address();
      probe.close(() => resolve(typeof at === 'object' && at !== null ? at.port : 0));
    });
  });
}
