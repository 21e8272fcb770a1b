// What exists in every installation before anybody did anything (core.md §1.3). Idempotent; runs at every start.

import { generateCertificate, type KeyPair } from './crypto/generate.ts';
import { certificateModel } from './crypto/models.ts';
import type { CoreDeps } from './deps.ts';
import { anonymousUsername } from './identity/users.ts';
import { createRow, deleteRow, findRow } from './models/store.ts';
import { coreItself, inUnit } from './models/unit.ts';
import { embeddedOutpost, outpostModel } from './outposts/models.ts';

const author = { ...coreItself, cause: 'first start' };
const selfSigned = { name: 'authentik Self-signed Certificate', managed: 'goauthentik.io/crypto/self-signed' };
const selfSignedDays = 365;

export interface SeedOptions {
  /** Length of RSA keys. */
  readonly rsaBits: number;
  /** Of the first certificate, if they are being made already. */
  readonly keys?: Promise<KeyPair> | undefined;
  /** The first certificate is stored when its key is there, and not waited for: that takes seconds. */
  readonly inBackground?: boolean;
}

export async function seedInstallation(deps: CoreDeps, options: SeedOptions): Promise<void> {
  const { kysely } = deps.database;
  await kysely
    .insertInto('version_history')
    .values({ version: deps.version })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  await kysely
    .insertInto('users')
    .values({ username: anonymousUsername, name: '', type: 'internal' })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const certificate = ensureCertificate(deps, options);
  if (options.inBackground !== true) return certificate;
  certificate.catch((error: unknown) => {
    // The next start makes it.
    deps.log.warn('first certificate not stored', { error: error instanceof Error ? error.message : String(error) });
  });
}

async function ensureCertificate(deps: CoreDeps, { rsaBits, keys }: SeedOptions): Promise<void> {
  if ((await findRow(deps.database.kysely, certificateModel, 'managed', selfSigned.managed)) !== undefined) return;
  if ((await findRow(deps.database.kysely, certificateModel, 'name', selfSigned.name)) !== undefined) return;
  const { certificate, key } = await generateCertificate(
    {
      commonName: 'authentik Self-signed Certificate',
      alternativeNames: [`${deps.installationId}.self-signed.goauthentik.io`],
      validDays: selfSignedDays,
      algorithm: 'rsa',
      rsaBits,
    },
    deps.clock.now(),
    await keys,
  );
  const input = { ...selfSigned, certificate_data: certificate, key_data: key };
  await inUnit(deps, author, (unit) => createRow(unit, certificateModel, input, 'blueprint'));
}

/** Makes the router's own outpost, or removes it where it is switched off (core.md §1.3 step 5). */
export async function ensureEmbeddedOutpost(deps: CoreDeps, wanted: boolean): Promise<void> {
  const existing = await findRow(deps.database.kysely, outpostModel, 'managed', embeddedOutpost);
  if (wanted === (existing !== undefined)) return;
  await inUnit(deps, author, async (unit) => {
    if (existing !== undefined) return deleteRow(unit, outpostModel, existing);
    const input = { name: 'authentik Embedded Outpost', type: 'proxy', providers: [], managed: embeddedOutpost };
    await createRow(unit, outpostModel, input, 'blueprint');
  });
}
