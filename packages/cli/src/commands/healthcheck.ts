// `gatehouse healthcheck`: asks the instance of this machine through its socket (core-contract §1.8).
import { healthcheck, healthSocketPath } from '@gatehouse/daemon/health';
import type { Environment } from '../daemons.ts';

/** @returns exit code: 0 when the instance that `AUTHENTIK_INSTANCE_NAME` names (default: the unnamed one) answers */
export function probeHealth(env: Environment): Promise<number> {
  return healthcheck(healthSocketPath(env['AUTHENTIK_INSTANCE_NAME']));
}
