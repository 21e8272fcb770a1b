// Which instances of an outpost are alive (core-contract §8.6). Kept in the database, so that every core process sees those
// of the others; an instance is gone 15 s after its last message.
import type { CoreDeps } from '../deps.ts';

const lifetimeMs = 15_000;

export interface InstanceReport {
  readonly outpost: string;
  readonly uid: string;
  readonly args: Readonly<Record<string, unknown>>;
}

export async function reportInstance({ database, clock }: CoreDeps, { outpost, uid, args }: InstanceReport) {
  const seen = new Date(clock.now());
  await database.kysely
    .insertInto('outpost_instances')
    .values({ outpost, uid, args: JSON.stringify(args), last_seen: seen })
    .onConflict((conflict) =>
      conflict.columns(['outpost', 'uid']).doUpdateSet({ args: JSON.stringify(args), last_seen: seen }),
    )
    .execute();
}

export async function instanceStates({ database, clock, version }: CoreDeps, outpost: string) {
  const since = new Date(clock.now() - lifetimeMs);
  const rows = await database.kysely
    .selectFrom('outpost_instances')
    .selectAll()
    .where(({ eb, cast, ref }) => eb(cast<string>(ref('outpost'), 'text'), '=', outpost))
    .where('last_seen', '>', since)
    .orderBy('uid')
    .execute();
  return rows.map(({ uid, last_seen, args }) => {
    const text = (name: string) => (typeof args[name] === 'string' ? args[name] : '');
    return {
      uid,
      last_seen: last_seen.toISOString(),
      version: text('version') === '' ? null : text('version'),
      version_should: version,
      version_outdated: text('version') !== '' && text('version') !== version,
      build_hash: text('buildHash'),
      build_hash_should: '',
      golang_version: text('golangVersion'),
      openssl_enabled: args['opensslEnabled'] === true,
      openssl_version: text('opensslVersion'),
      fips_enabled: null,
      hostname: text('hostname'),
    };
  });
}

/** Forgets instances that have been silent for a day. */
export async function sweepInstances({ database, clock }: CoreDeps): Promise<void> {
  await database.kysely
    .deleteFrom('outpost_instances')
    .where('last_seen', '<', new Date(clock.now() - 86_400_000))
    .execute();
}
