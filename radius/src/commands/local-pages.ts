// `gatehouse radius drops`: the last packets that got no answer; `clients`: which devices sign their requests. Both are told by
// the daemon that runs on this machine, over its unix socket.
import { readLocalPage } from '@gatehouse/daemon/health';

export const dropsPage = '/radius/drops';
export const clientsPage = '/radius/clients';

/** @returns exit code: 0 told, 2 nothing runs here */
export async function showPage(socketPath: string, page: string, print: (text: string) => void): Promise<number> {
  const text = await readLocalPage(socketPath, page);
  print(
    text ?? `Nothing answers on ${socketPath}: no RADIUS daemon runs here, or with another TMPDIR or instance name.\n`,
  );
  return text === undefined ? 2 : 0;
}
