// Fills the rooms with many providers and sessions and measures them; for test/bench/proxy.ts.
import { systemClock } from '@gatehouse/daemon/async';
import { captureLogger } from '@gatehouse/daemon/testing';
import { applicationFromApi } from '../applications/application.ts';
import { createLookup } from '../applications/lookup.ts';
import { parseClaims } from '../oidc/claims.ts';
import { parseAuthority } from '../request/host-name.ts';
import { createMemoryStore } from '../sessions/memory-store.ts';
import { createSessions } from '../sessions/sessions.ts';
import { defaultStoreLimits } from '../sessions/store.ts';
import { fakeIssuer } from './fake-issuer.ts';

export async function proxyBulk(wanted: { readonly providers: number; readonly sessions: number }) {
  await using issuer = await fakeIssuer();
  const context = { hosts: { browser: '', configured: '' }, outpostName: 'o', version: 'v' };
  const rows = Array.from({ length: wanted.providers }, (_, at) =>
    issuer.row({
      pk: at,
      name: `p${at}`,
      client_id: `client-${at}`,
      external_host: `https://app-${at}.company`,
      skip_path_regex: '^/public/',
    }),
  );
  const startedMs = performance.now();
  const applications = rows.map((row) => applicationFromApi(row, context));
  const lookup = createLookup(applications);
  const loadMs = performance.now() - startedMs;
  const hosts = Array.from({ length: 1_000 }, (_, at) =>
    parseAuthority(`app-${(at * 4_999) % wanted.providers}.company`),
  );
  const lookupMs = performance.now();
  for (let round = 0; round < 100; round++) for (const host of hosts) if (host !== undefined) lookup.find(host);
  const lookupUs = ((performance.now() - lookupMs) * 1000) / (100 * hosts.length);
  const [application] = applications;
  if (application === undefined) throw new Error('no provider');
  const clock = systemClock;
  const sessions = createSessions({
    store: createMemoryStore(clock, defaultStoreLimits),
    clock,
    log: captureLogger(),
    tokens: { refresh: async () => undefined },
    longestMs: 1,
  });
  const before = await heapBytes();
  for (let at = 0; at < wanted.sessions; at++) {
    const payload = {
      sub: `user-${at}`,
      sid: `${at}`.padStart(64, '0'),
      exp: 9_999_999_999,
      email: `user-${at}@company`,
      name: 'A Name',
      groups: ['staff', 'all'],
    };
    const claims = parseClaims(payload, issuer.sign({ ...payload, aud: 'client-0' }));
    await sessions.find(
      application,
      await sessions.begin(application, claims, { expiresAtMs: Date.now() + 3_600_000 }),
    );
  }
  const bytesPerSession = Math.round(((await heapBytes()) - before) / wanted.sessions);
  // Used after it was measured, or it would be gone by then.
  if (sessions.held().length !== wanted.sessions) throw new Error('not all sessions are held');
  return {
    providers: wanted.providers,
    loadMs: Math.round(loadMs),
    lookupUs: Number(lookupUs.toFixed(3)),
    sessions: wanted.sessions,
    bytesPerSession,
  };
}

async function heapBytes(): Promise<number> {
  if (typeof globalThis.gc !== 'function') throw new Error('run with --expose-gc');
  // Memory outside of the heap is given back between turns, after what held it is gone.
  for (let round = 0; round < 5; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}
