// `gatehouse radius drops`: the last packets that got no answer, from the daemon that runs on this machine.
import { readLocalPage } from '@gatehouse/daemon/health';

/** On the unix socket only. */
export const dropsPage = '/radius/drops';

/** @returns exit code: 0 told, 2 nothing runs here */
export async function showDrops(socketPath: string, print: (text: string) => void): Promise<number> {
  const text = await readLocalPage(socketPath, dropsPage);
  print(
    text ?? `Nothing answers on ${socketPath}: no RADIUS daemon runs here, or with another TMPDIR or instance name.\n`,
  );
  return text === undefined ? 2 : 0;
}
