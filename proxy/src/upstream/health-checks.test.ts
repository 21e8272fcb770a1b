import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { describe, expect, test, vi } from 'vitest';
import type { UpstreamCheck, UpstreamTarget } from '../applications/application.ts';
import { createBalancer } from './balancer.ts';
import { createHealthChecks } from './health-checks.ts';
import { createPools } from './pools.ts';

async function lab(check: UpstreamCheck) {
  const clock = fakeClock();
  const log = captureLogger();
  const pools = createPools();
  const balancer = createBalancer(clock);
  const asked: string[] = [];
  const state = { status: 200 };
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers['user-agent']}`);
    response.writeHead(state.status).end('fine');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // listens on TCP
  const target: UpstreamTarget = { origin: `http://127.0.0.1:${port}`, verifyTls: true, check };
  const other: UpstreamTarget = { origin: 'http://127.0.0.1:1', verifyTls: true };
  const seen = vi.fn<(isUp: boolean) => void>();
  const checks = createHealthChecks({
    pools,
    clock,
    log,
    balancer: {
      checked(one, isUp) {
        balancer.checked(one, isUp);
        seen(isUp);
      },
    },
  });
  const turn = async () => {
    const before = seen.mock.calls.length;
    await clock.advance(check.everyMs);
    await vi.waitFor(() => expect(seen.mock.calls.length).toBeGreaterThan(before), 10_000);
  };
  const picks = () => [balancer.pick([target, other], new Set([other])), balancer.pick([target], new Set())];
  return {
    target,
    checks,
    state,
    asked,
    log,
    seen,
    turn,
    picks,
    async [Symbol.asyncDispose]() {
      checks.close();
      await pools[Symbol.asyncDispose]();
      server.closeAllConnections();
      server.close();
    },
    server,
  };
}

describe('§17.21: active checks', () => {
  test('two wrong answers take an upstream out, a right one brings it back', async () => {
    await using at = await lab({ path: '/healthz', everyMs: 1_000, timeoutMs: 5_000 });
    const { target } = at;
    at.checks.watch([target]);
    await vi.waitFor(() => expect(at.seen).toHaveBeenCalledWith(true), 10_000);
    expect(at.asked).toEqual(['/healthz gatehouse-health-check']);
    at.state.status = 500;
    await at.turn();
    expect(at.picks()).toEqual([target, target]);
    await at.turn();
    expect(at.picks()).toEqual([undefined, undefined]);
    at.state.status = 204;
    await at.turn();
    expect(at.picks()).toEqual([target, target]);
    expect(at.log.lines.map(({ event }) => event)).toEqual(['upstream down', 'upstream up again']);
  });
  test('where a path is none of its business, a connection is enough', async () => {
    await using at = await lab({ path: undefined, everyMs: 1_000, timeoutMs: 5_000 });
    at.checks.watch([at.target]);
    await vi.waitFor(() => expect(at.seen).toHaveBeenCalledWith(true), 10_000);
    expect(at.asked).toEqual([]);
    await new Promise((resolve) => at.server.close(resolve));
    await at.turn();
    await at.turn();
    expect(at.picks()).toEqual([undefined, undefined]);
  });
  test('what is watched no more is asked no more', async () => {
    await using at = await lab({ path: '/', everyMs: 1_000, timeoutMs: 5_000 });
    at.checks.watch([at.target]);
    await vi.waitFor(() => expect(at.seen).toHaveBeenCalledTimes(1), 10_000);
    at.checks.watch([]);
    at.checks.watch([{ ...at.target, check: { path: '/other', everyMs: 1_000, timeoutMs: 5_000 } }]);
    await vi.waitFor(() => expect(at.asked.length).toBe(2), 10_000);
    expect(at.asked[1]).toBe('/other gatehouse-health-check');
  });
});
