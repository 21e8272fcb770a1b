import { describe, expect, test } from 'vitest';
import { statusOf, testGateway } from '../testing/test-gateway.ts';

describe('catching up', () => {
  test('§17.10: after the channel was lost, each session is asked about once, and ends if it is over', async () => {
    await using gateway = await testGateway();
    const [alice, bob] = [gateway.browser(), gateway.browser()];
    await alice.login('/');
    gateway.issuer.user = { sub: 'sub-of-bob', sid: 'f'.repeat(64) };
    await bob.login('/');
    const asked = () => gateway.issuer.requests.filter((request) => request.path.endsWith('/introspect/')).length;
    gateway.engine.liveness.channel(true);
    await alice.send('/');
    expect(asked()).toBe(0);
    gateway.engine.liveness.channel(false);
    gateway.engine.liveness.channel(true);
    const answer = await bob.send('/');
    const token = answer.kind === 'forward' ? (answer.allow.identity?.claims.rawToken ?? '') : '';
    gateway.issuer.active.set(token, { sub: 'sub-of-bob' });
    for (let round = 0; round < 3; round++) {
      await alice.send('/');
      await gateway.engine.liveness.idle();
    }
    expect([statusOf(await alice.send('/')), asked()]).toEqual([302, 2]);
  });
  test('§17.10: sessions that nobody uses are asked about too, one after another', async () => {
    await using gateway = await testGateway();
    const browsers = [gateway.browser(), gateway.browser(), gateway.browser()];
    for (const [at, browser] of browsers.entries()) {
      gateway.issuer.user = { sub: `sub-${at}`, sid: String(at).repeat(64) };
      await browser.login('/');
      await browser.send('/');
    }
    const asked = () => gateway.issuer.requests.filter((request) => request.path.endsWith('/introspect/')).length;
    const ended: unknown[] = [];
    gateway.engine.sessions.onEnd(({ sid }) => ended.push(sid));
    gateway.engine.liveness.channel(false);
    gateway.engine.liveness.channel(true);
    for (const [at] of browsers.entries()) {
      await gateway.engine.liveness.idle();
      expect([asked(), ended]).toEqual([at + 1, browsers.slice(0, at + 1).map((_, one) => String(one).repeat(64))]);
      await gateway.clock.advance(50);
    }
  });
  test('§17.10: a core that does not answer ends nobody', async () => {
    await using gateway = await testGateway();
    const browser = gateway.browser();
    await browser.login('/');
    gateway.engine.liveness.channel(false);
    gateway.engine.liveness.channel(true);
    const used = async () => {
      const { kind } = await browser.send('/');
      await gateway.engine.liveness.idle();
      return kind;
    };
    for (const fault of [{ status: 502 }, { status: 200, body: 'starting' }, { status: 200, body: '{}' }]) {
      gateway.issuer.faults.set('introspect', fault);
      expect([await used(), await used()]).toEqual(['forward', 'forward']);
    }
    await gateway.issuer[Symbol.asyncDispose]();
    expect([await used(), await used()]).toEqual(['forward', 'forward']);
  });
});
