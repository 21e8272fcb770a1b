// Certificates of a folder (core.md §20.3, "Certificate discovery"): as certbot and Kubernetes leave them there.
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { CoreDeps } from '../deps.ts';
import { InvalidInput } from '../models/invalid.ts';
import type { Row } from '../models/model.ts';
import { createRow, findRow, updateRow } from '../models/store.ts';
import { coreItself, inUnit } from '../models/unit.ts';
import type { TaskRun } from '../tasks/actor.ts';
import { certificateModel } from './models.ts';

const ignored = new Set(['ca.crt', 'tls-combined.pem', 'key.der']);
const namedByFolder = new Set(['fullchain.pem', 'privkey.pem', 'tls.crt', 'tls.key']);
const sizeLimit = 1_000_000;

interface Found {
  certificate?: string;
  key?: string;
}

/** Brings the stored pairs in line with the folder; what is gone there stays here. */
export async function discoverCertificates(
  { deps, log }: Pick<TaskRun, 'deps' | 'log'>,
  folder: string,
): Promise<void> {
  const pairs = await readFolder(folder, log);
  let stored = 0;
  for (const [name, { certificate, key = '' }] of pairs) {
    if (certificate === undefined) continue;
    try {
      if (await store(deps, name, certificate, key)) stored += 1;
    } catch (error) {
      if (!(error instanceof InvalidInput)) throw error;
      log('warning', `The certificate ${name} cannot be used: ${error.message}`);
    }
  }
  log('info', `Found ${pairs.size} certificates, stored ${stored}`);
}

async function readFolder(folder: string, log: TaskRun['log']): Promise<ReadonlyMap<string, Found>> {
  const pairs = new Map<string, Found>();
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const below = path.slice(folder.length);
    if (entry.isDirectory() || below.includes('archive') || ignored.has(entry.name)) continue;
    const text = await readFile(path, 'utf8').catch(() => undefined);
    if (text === undefined || text.length > sizeLimit || !text.includes('-----BEGIN ')) {
      log('warning', `${below} holds neither certificate nor key`);
      continue;
    }
    const name = namedByFolder.has(entry.name) ? basename(dirname(path)) : entry.name.replace(/\.[^.]*$/, '');
    const pair = pairs.get(name) ?? {};
    if (text.includes('PRIVATE KEY')) pair.key = text;
    else pair.certificate = text;
    pairs.set(name, pair);
  }
  return pairs;
}

/** @returns whether anything changed */
async function store(deps: CoreDeps, name: string, certificate: string, key: string): Promise<boolean> {
  const managed = `goauthentik.io/crypto/discovered/${name}`;
  const { kysely } = deps.database;
  const byName = await findRow(kysely, certificateModel, 'managed', managed);
  const existing: Row | undefined = byName ?? (await ofSameKey(deps, key));
  const wanted = { name, certificate_data: certificate, key_data: key, managed };
  if (existing !== undefined && Object.entries(wanted).every(([field, value]) => existing[field] === value))
    return false;
  await inUnit(deps, { ...coreItself, cause: 'certificate discovery' }, (unit) =>
    existing === undefined
      ? createRow(unit, certificateModel, wanted, 'blueprint')
      : updateRow(unit, certificateModel, existing, wanted, 'blueprint'),
  );
  return true;
}

/** A pair that was found under another name before. */
async function ofSameKey({ database }: CoreDeps, key: string) {
  if (key === '') return undefined;
  const rows = await database.kysely
    .selectFrom('certificates')
    .selectAll()
    .where('managed', 'like', 'goauthentik.io/crypto/discovered/%')
    .execute();
  const wanted = publicPart(key);
  return wanted === undefined ? undefined : rows.find((row) => publicPart(row.key_data) === wanted);
}

function publicPart(key: string): string | undefined {
  try {
    return createPublicKey(createPrivateKey(key)).export({ type: 'spki', format: 'pem' }).toString();
  } catch {
    return undefined; // no key, or one with a passphrase
  }
}
