// Child processes, with small real ones: readiness, listeners, complaints, the end of either side.
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryFolder } from '../testing/index.ts';
import { type ChildLine, describeExit, startChild } from './child.ts';

const line = (fields: object) => `console.log(JSON.stringify(${JSON.stringify({ logger: 't', ...fields })}));`;
const stayAlive = 'setInterval(() => {}, 1000);';
const listening = (addr: string, component: string) => line({ level: 'info', event: 'listening', addr, component });
const ready = line({ level: 'info', event: 'ready' });

test('a child is ready with its line, and its listeners are known by then', async () => {
  const { child } = await start(
    listening('127.0.0.1:1389', 'ldap') +
      listening('[::1]:1389', 'ldap') +
      listening('0.0.0.0:1636', 'ldaps') +
      ready +
      stayAlive,
  );
  await child.ready;
  expect(child.listeners).toEqual(
    new Map([
      [
        'ldap',
        [
          { host: '127.0.0.1', port: 1389 },
          { host: '::1', port: 1389 },
        ],
      ],
      ['ldaps', [{ host: '0.0.0.0', port: 1636 }]],
    ]),
  );
  expect(await child.stop(10_000)).toMatchObject({ code: undefined, signal: 'SIGTERM' });
});

test('a child that ends before it is ready hands on its last complaint and what to do', async () => {
  const error = 'Cannot listen on 0.0.0.0:389.';
  const { child } = await start(
    `${line({ level: 'error', event: 'cannot go on', error, hint: 'Move it.' })}process.exitCode = 2;`,
  );
  await expect(child.ready).rejects.toMatchObject({
    code: 'ERR_LIFECYCLE_CHILD_DIED',
    message: `probe ended with exit code 2: ${error}`,
    hint: 'Move it.',
  });
});

test('a crash is told by its message, not by a stack frame', async () => {
  const { child } = await start("throw new TypeError('broke');");
  expect(describeExit('probe', await child.exited)).toBe('probe ended with exit code 1: TypeError: broke');
});

test('a script that does not exist is an exit with a reason', async () => {
  const child = startChild({ name: 'probe', file: join(import.meta.dirname, 'absent.js'), args: [], env: {} });
  expect(describeExit('probe', await child.exited)).toMatch(/^probe ended with exit code 1: Error: Cannot find module/);
});

test('a child that ignores SIGTERM is ended after the grace', async () => {
  const { child } = await start(`process.on('SIGTERM', () => {});${ready}${stayAlive}`);
  await child.ready;
  expect((await child.stop(50)).signal).toBe('SIGKILL');
});

test('lines are handed on as they come, text as well', async () => {
  const { child, lines } = await start(`${ready}console.log('plain');console.error('{ not json');`);
  await child.exited;
  expect(lines.map(({ level, event }) => `${level} ${event}`).toSorted()).toEqual([
    'error { not json',
    'info plain',
    'info ready',
  ]);
});

test('core-contract 35: runProcess ends with code 0 on SIGTERM, after its drain steps', async () => {
  const { child, lines } = await start(
    runs(
      `onDrain(async () => log.info('second', {})); onDrain(async () => log.info('first', {})); log.info('ready', {});`,
    ),
  );
  await child.ready;
  expect(await child.stop(10_000)).toMatchObject({ code: 0, signal: undefined });
  expect(lines.map(({ event }) => event)).toEqual(['ready', 'stopping', 'first', 'second', 'stopped']);
});

test('an exception after the start ends the process with code 2 and one line that names it', async () => {
  const { child, lines } = await start(
    runs(`onDrain(async () => log.info('drained', {})); setImmediate(() => { throw new Error('late'); });`),
  );
  expect(await child.exited).toMatchObject({ code: 2, complaint: { event: 'cannot go on', error: 'late' } });
  expect(lines.map(({ event }) => event)).toEqual(['cannot go on', 'drained', 'stopped']);
});

test('a child ends in order when its parent is gone, whatever ended the parent', async () => {
  await using folder = await temporaryFolder();
  const grandchild = join(folder.path, 'grandchild.mjs');
  const drained = join(folder.path, 'drained');
  await writeFile(
    grandchild,
    `import { writeFile } from 'node:fs/promises';
    ${runs(`onDrain(() => writeFile(${JSON.stringify(drained)}, '')); log.info('ready', {});`)}`,
  );
  const { child } = await start(`
    import { startChild } from ${JSON.stringify(join(import.meta.dirname, 'child.ts'))};
    const file = ${JSON.stringify(grandchild)};
    await startChild({ name: 'grandchild', file, args: [], env: process.env }).ready;
    process.kill(process.pid, 'SIGKILL');
  `);
  expect(await child.exited).toMatchObject({ signal: 'SIGKILL' });
  await expect.poll(() => existsSync(drained), { timeout: 10_000 }).toBe(true);
});

function runs(body: string): string {
  const here = import.meta.dirname;
  return `
    import { runProcess } from ${JSON.stringify(join(here, 'process.ts'))};
    import { createLogger } from ${JSON.stringify(join(here, '../log/index.ts'))};
    const log = createLogger({ level: 'info', name: 'child' });
    process.exitCode = await runProcess({ log }, async ({ onDrain }) => { ${body} });
  `;
}

async function start(script: string) {
  const folder = await temporaryFolder();
  const file = join(folder.path, 'child.mjs');
  await writeFile(file, script);
  const lines: ChildLine[] = [];
  const env = { ...process.env, NODE_OPTIONS: '--import tsx' };
  const child = startChild({
    name: 'probe',
    file,
    args: [],
    env,
    onLine: (read) => lines.push(read),
    cwd: import.meta.dirname,
  });
  onTestFinished(async () => {
    await child.stop(1_000);
    await folder[Symbol.asyncDispose]();
  });
  return { child, lines };
}
