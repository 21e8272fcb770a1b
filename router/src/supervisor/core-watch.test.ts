// The watch over the core with a turned clock: what is started, asked and ended, and when (router.md §16.2).
import type { ChildExit } from '@gatehouse/daemon/lifecycle';
import { captureLogger, fakeClock } from '@gatehouse/daemon/testing';
import { expect, test } from 'vitest';
import { type CoreProcess, CoreWatch } from './core-watch.ts';

const exit = (code: number): ChildExit => ({ code, signal: undefined, complaint: undefined });

function supervised() {
  const clock = fakeClock();
  const started: { end: (status: ChildExit) => void; stops: number }[] = [];
  const state = { answers: true, probes: 0 };
  const changes: string[] = [];
  const spawn = (): CoreProcess => {
    const at = { kind: 'tcp', host: '127.0.0.1', port: 1000 + started.length } as const;
    const one = { end: (_status: ChildExit) => {}, stops: 0 };
    const exited = new Promise<ChildExit>((resolve) => {
      one.end = resolve;
    });
    started.push(one);
    return {
      target: () => at,
      exited,
      stop: () => {
        one.stops += 1;
        one.end(exit(0));
        return exited;
      },
    };
  };
  const watch = new CoreWatch({
    core: { spawn },
    clock,
    log: captureLogger(),
    random: () => 0.5,
    onChange: (now) => changes.push(now),
    probe: async () => {
      state.probes += 1;
      return state.answers;
    },
  });
  return { clock, started, state, changes, watch };
}

test('router R50: whatever the status of an exit, the core is started again after its delay', async () => {
  const { clock, started, changes, watch } = supervised();
  await clock.advance(0);
  expect(watch.state).toBe('healthy');
  started[0]?.end(exit(0));
  await clock.advance(499);
  expect([watch.state, watch.target, started.length]).toEqual(['restarting', undefined, 1]);
  await clock.advance(1);
  await clock.advance(250);
  expect([watch.state, started.length, watch.restarts]).toEqual(['healthy', 2, 1]);
  expect(changes).toEqual(['starting', 'healthy', 'restarting', 'starting', 'healthy']);
  await watch[Symbol.asyncDispose]();
});

test('router §16.2: a core that stops answering is degraded, and ended half a minute later', async () => {
  const { clock, started, state, watch } = supervised();
  await clock.advance(0);
  state.answers = false;
  await clock.advance(30_000);
  expect([watch.state, started[0]?.stops]).toEqual(['degraded', 0]);
  await clock.advance(40_000);
  expect(started[0]?.stops).toBe(1);
  state.answers = true;
  await clock.advance(1_000);
  expect([watch.state, started.length]).toEqual(['healthy', 2]);
  await watch[Symbol.asyncDispose]();
});

test('router §16.2: many callers that find nobody share one probe', async () => {
  const { clock, state, watch } = supervised();
  await clock.advance(0);
  const before = state.probes;
  await Promise.all(Array.from({ length: 50 }, () => watch.probeNow()));
  expect(state.probes).toBe(before + 1);
  await watch[Symbol.asyncDispose]();
});

test('router §17: at the end the core is asked to end, waited for, and not started again', async () => {
  const { clock, started, watch } = supervised();
  await clock.advance(0);
  await watch[Symbol.asyncDispose]();
  await clock.advance(60_000);
  expect([started.length, started[0]?.stops, watch.state]).toEqual([1, 1, 'stopped']);
});

test('a core of others is probed, never ended', async () => {
  const clock = fakeClock();
  const at = { kind: 'unix', path: '/run/core.sock' } as const;
  let answers = false;
  const watch = new CoreWatch({ core: { at }, clock, log: captureLogger(), probe: async () => answers });
  await clock.advance(1_000);
  expect([watch.state, watch.target]).toEqual(['starting', at]);
  answers = true;
  await clock.advance(250);
  expect(watch.state).toBe('healthy');
  answers = false;
  await clock.advance(120_000);
  expect(watch.state).toBe('degraded');
  answers = true;
  await clock.advance(2_000);
  expect(watch.state).toBe('healthy');
  await watch[Symbol.asyncDispose]();
});
