// Commands that work on the installation of `gatehouse up` find its settings as `up` itself sets them, so that nobody has to
// copy a secret key out of a file to ask for a recovery link.
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Environment } from '../daemons.ts';
import { coreEnvironment } from './environments.ts';
import { loadSecrets } from './secrets.ts';

/**
 * The environment of the core in the data folder (`AUTHENTIK_DATA_DIR`, else `./data`) where `up` has made one there; `env` as
 * it is where it names a core of its own by `AUTHENTIK_SECRET_KEY`.
 * @throws GatewayError `ERR_CLI_DATA_FOLDER`
 */
export async function installedEnvironment(env: Environment): Promise<Environment> {
  const dataDir = resolve(env['AUTHENTIK_DATA_DIR'] ?? './data');
  const isOurs = env['AUTHENTIK_SECRET_KEY'] === undefined && existsSync(join(dataDir, 'secrets/secret-key'));
  return isOurs ? coreEnvironment({ dataDir, secrets: await loadSecrets(dataDir), env }) : env;
}
