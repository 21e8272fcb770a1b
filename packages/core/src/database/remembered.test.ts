import assert from 'node:assert/strict';
import fc from 'fast-check';
import { test } from 'vitest';
import { createEpochs, remembered } from './remembered.ts';

test('an answer is asked for once until the configuration changes, and undefined is never kept', async () => {
  const { deps, table, commit, loads } = await world();
  const value = remembered(loads.of);
  assert.equal(await value(deps, 'a'), undefined);
  await commit('a', 1);
  assert.equal((await value(deps, 'a'))?.number, 1);
  assert.equal((await value(deps, 'a'))?.number, 1);
  assert.equal(loads.count, 2);
  await commit('a', 2);
  assert.equal((await value(deps, 'a'))?.number, 2);
  assert.equal(loads.count, 3);
  assert.equal(table.get('a'), 2);
});

test('what was read before a change and arrives after it is not kept', async () => {
  const { deps, commit, loads } = await world();
  await commit('a', 1);
  const value = remembered(loads.of);
  await value(deps, 'b'); // the line is proven
  const release = loads.hold();
  const early = value(deps, 'a');
  await commit('a', 2);
  release();
  assert.equal((await early)?.number, 1);
  assert.equal((await value(deps, 'a'))?.number, 2);
});

test('without proof that notifications arrive nothing is kept, and a gap forgets everything', async () => {
  const { deps, commit, loads, line } = await world();
  const value = remembered(loads.of);
  await commit('a', 1);
  await value(deps, 'a');
  line.lose();
  await commit('a', 2); // nobody hears of it
  assert.equal((await value(deps, 'a'))?.number, 2);
  await commit('a', 3);
  assert.equal((await value(deps, 'a'))?.number, 3);
  line.restore();
  assert.equal((await value(deps, 'a'))?.number, 3);
  const before = loads.count;
  await value(deps, 'a');
  assert.equal(loads.count, before);
});

test('a line that is silently dead is believed for no longer than a second', async () => {
  const { deps, commit, loads, line, advance } = await world();
  const value = remembered(loads.of);
  await commit('a', 1);
  await value(deps, 'a');
  line.deafen();
  await commit('a', 2);
  advance(1_001);
  assert.equal((await value(deps, 'a'))?.number, 2);
});

test('what is remembered cannot be written to', async () => {
  const { deps, commit, loads } = await world();
  await commit('a', 1);
  const answer: unknown = await remembered(loads.of)(deps, 'a');
  assert.throws(() => Object.assign(Object(answer), { number: 2 }), TypeError);
  assert.equal(Object.isFrozen(answer), true);
});

test('failures are not kept', async () => {
  const { deps } = await world();
  let fails = true;
  const value = remembered(async () => {
    if (fails) throw new Error('no');
    return 1;
  });
  await assert.rejects(value(deps, 'a'));
  fails = false;
  assert.equal(await value(deps, 'a'), 1);
});

/** The plain version is the question itself: whatever happens in between, both give the same. */
test('remembered answers are those of the database, whatever happens in between', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('commit' as const), key: fc.constantFrom('a', 'b'), to: fc.nat(9) }),
    fc.record({ do: fc.constant('read' as const), key: fc.constantFrom('a', 'b') }),
    fc.constant({ do: 'lose' as const }),
    fc.constant({ do: 'restore' as const }),
    fc.record({ do: fc.constant('advance' as const), ms: fc.nat(1_500) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const { deps, commit, loads, line, advance, table } = await world();
      const value = remembered(loads.of);
      for (const one of steps) {
        if (one.do === 'commit') await commit(one.key, one.to);
        if (one.do === 'lose') line.lose();
        if (one.do === 'restore') line.restore();
        if (one.do === 'advance') advance(one.ms);
        if (one.do === 'read') assert.equal((await value(deps, one.key))?.number, table.get(one.key));
      }
    }),
    { seed: 8, numRuns: 300 },
  );
});

/** A database of one table, whose notifications arrive at once as long as the line holds. */
async function world() {
  const table = new Map<string, number>();
  let told = () => {};
  let gap = () => {};
  let state: 'up' | 'lost' | 'deaf' = 'up';
  let nowMs = 0;
  let held: Promise<void> | undefined;
  const epochs = await createEpochs(
    {
      listen: async (_channel, onPayload) => {
        told = () => onPayload('');
      },
      onGap: (listener) => {
        gap = listener;
      },
      caughtUp: async () => state === 'up',
    },
    { monotonicMs: () => nowMs },
  );
  const loads = {
    count: 0,
    hold(): () => void {
      let release = () => {};
      held = new Promise((done) => {
        release = done;
      });
      return release;
    },
    async of(_deps: unknown, key: string) {
      loads.count += 1;
      const number = table.get(key);
      await held;
      return number === undefined ? undefined : { number };
    },
  };
  return {
    deps: { epochs },
    table,
    loads,
    async commit(key: string, to: number) {
      table.set(key, to);
      if (state === 'up') told();
    },
    advance: (ms: number) => {
      nowMs += ms;
    },
    line: {
      lose() {
        state = 'lost';
        gap();
      },
      restore: () => {
        state = 'up';
      },
      deafen: () => {
        state = 'deaf';
      },
    },
  };
}
