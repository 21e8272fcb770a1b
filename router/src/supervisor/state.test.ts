import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, type CoreEvent, type Supervision, stopped } from './state.ts';

/** Plays events, each at its time in seconds, and returns what was done. */
function play(events: readonly (readonly [number, CoreEvent])[], from: Supervision = stopped) {
  let now = from;
  const done: string[] = [];
  for (const [atS, event] of events) {
    const [next, actions] = advance(now, event, atS * 1000, 1);
    now = next;
    done.push(...actions.map((action) => (action.do === 'wait' ? `wait ${action.ms}` : action.do)));
  }
  return { now, done };
}
const start = { kind: 'start' } as const;
const well = { kind: 'probe', healthy: true } as const;
const badly = { kind: 'probe', healthy: false } as const;
const exit = { kind: 'exit' } as const;
const due = { kind: 'restart-due' } as const;
const drain = { kind: 'drain' } as const;

test('router R49: ten kills in a row give growing delays, capped, and one healthy moment each', () => {
  const kills = Array.from(
    { length: 10 },
    (_, n) =>
      [
        [n + 1, well],
        [n + 1, exit],
        [n + 1, due],
      ] as const,
  ).flat();
  const { done } = play([[0, start], ...kills]);
  expect(done.filter((action) => action.startsWith('wait'))).toEqual(
    [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000].map((ms) => `wait ${ms}`),
  );
  expect(done.filter((action) => action === 'became-healthy')).toHaveLength(10);
  expect(done.filter((action) => action === 'became-unhealthy')).toHaveLength(10);
});

test('router R50: an exit is an exit, whatever its status', () => {
  expect(
    play([
      [0, start],
      [1, well],
      [2, exit],
      [3, due],
    ]).done,
  ).toEqual(['spawn', 'became-healthy', 'became-unhealthy', 'wait 500', 'spawn']);
});

test('router §16.2: a minute of health forgives the crashes', () => {
  const { done } = play([
    [0, start],
    [1, well],
    [2, exit],
    [3, due],
    [4, well],
    [65, well],
    [66, exit],
  ]);
  expect(done.at(-1)).toBe('wait 500');
});

test('router §16.2: three failed probes degrade, half a minute later the process is killed, a good one heals', () => {
  const degrading = [
    [0, start],
    [1, well],
    [10, badly],
    [20, badly],
    [30, badly],
  ] as const;
  expect(play(degrading).now.state).toBe('degraded');
  expect(play([...degrading, [40, badly]]).done.at(-1)).toBe('became-unhealthy');
  expect(play([...degrading, [60, badly]]).done.at(-1)).toBe('kill');
  expect(play([...degrading, [40, well]]).now).toMatchObject({ state: 'healthy', failedProbes: 0 });
});

test('a slow start is waited for', () => {
  expect(
    play([
      [0, start],
      [600, badly],
      [1200, badly],
    ]),
  ).toMatchObject({ now: { state: 'starting' }, done: ['spawn'] });
});

test('draining ends in stopped, and nothing starts it again', () => {
  expect(
    play([
      [0, start],
      [1, well],
      [2, drain],
      [3, exit],
      [4, due],
      [5, well],
    ]),
  ).toMatchObject({ now: { state: 'stopped' }, done: ['spawn', 'became-healthy', 'kill'] });
  expect(
    play([
      [0, start],
      [1, exit],
      [2, drain],
      [3, due],
    ]),
  ).toMatchObject({ now: { state: 'stopped' } });
});

test('never two processes: between two spawns there is always an exit', () => {
  const event = fc.constantFrom<CoreEvent>(start, well, badly, exit, due, drain);
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.integer({ min: 0, max: 90 })), { maxLength: 60 }), (events) => {
      let now: Supervision = stopped;
      let running = 0;
      let atMs = 0;
      for (const [one, afterS] of events) {
        atMs += afterS * 1000;
        if (one.kind === 'exit') {
          if (running === 0) continue;
          running -= 1;
        }
        const [next, actions] = advance(now, one, atMs, 1);
        now = next;
        running += actions.filter((action) => action.do === 'spawn').length;
        expect(running).toBeLessThanOrEqual(1);
      }
    }),
  );
});
