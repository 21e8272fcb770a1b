// The secrets of a single-command installation: drawn on the first start, kept in the data folder for the owner alone.
import { randomBytes, randomInt } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cliError } from '../errors.ts';

export interface Secrets {
  readonly secretKey: string;
  /** Password of `akadmin`, as it was on the first start. */
  readonly adminPassword: string;
  readonly adminToken: string;
  /** Password of the demo users. */
  readonly demoPassword: string;
  readonly radiusSecret: string;
}

const draws: Readonly<Record<keyof Secrets, () => string>> = {
  secretKey: () => randomBytes(45).toString('base64url'),
  adminPassword: () => readable(16),
  adminToken: () => randomBytes(45).toString('base64url'),
  demoPassword: () => readable(12),
  radiusSecret: () => readable(20),
};

/** @throws GatewayError `ERR_CLI_DATA_FOLDER` naming folder and reason */
export async function loadSecrets(dataDir: string): Promise<Secrets> {
  const folder = join(dataDir, 'secrets');
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    return {
      secretKey: await loadSecret(folder, 'secretKey'),
      adminPassword: await loadSecret(folder, 'adminPassword'),
      adminToken: await loadSecret(folder, 'adminToken'),
      demoPassword: await loadSecret(folder, 'demoPassword'),
      radiusSecret: await loadSecret(folder, 'radiusSecret'),
    };
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw cliError(
      'ERR_CLI_DATA_FOLDER',
      `The data folder ${dataDir} cannot be used: ${reason}.`,
      'Choose a folder that this user may write to, with --data-dir or AUTHENTIK_DATA_DIR.',
      cause,
    );
  }
}

async function loadSecret(folder: string, name: keyof Secrets): Promise<string> {
  const file = join(
    folder,
    name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
  );
  const kept = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (kept !== undefined && kept.trim() !== '') return kept.trim();
  const drawn = draws[name]();
  await writeFile(file, `${drawn}\n`, { mode: 0o600 });
  return drawn;
}

/** Letters and digits that nobody mistakes for one another; six bits and a half each. */
function readable(length: number): string {
  const letters = 'abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  return Array.from({ length }, () => letters.charAt(randomInt(letters.length))).join('');
}
