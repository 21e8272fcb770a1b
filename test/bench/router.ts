// Every row of the router's figures in one run, as ratios to measures of the same run: nginx with one process, with and
// without sendfile and open_file_cache, bare node:http that gives the same bytes, and a bare
// `net` server that gives fixed ones (Node's ceiling). Rounds are interleaved; servers run on the first core, the
// load (wrk) and the core behind the router on the second. Needs nginx, wrk and taskset. Run after a build:
//   npx tsx --conditions source test/bench/router.ts [rows…] [--seconds=3] [--rounds=3] [--gigabytes=1] [--save]
// Rows: static-16k static-1m stored-1m core upload up; without names all of them. Prints one JSON document; --save merges
// its rows into test/bench/results.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { rates } from './router/rates.ts';
import { startAll } from './router/servers.ts';
import { uploads } from './router/uploads.ts';
import { warmStart } from './router/warm-start.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '3' },
    gigabytes: { type: 'string', default: '1' },
    save: { type: 'boolean', default: false },
  },
});
const load = { seconds: Number(values.seconds), rounds: Number(values.rounds), connections: 64 };
const wants = (row: string) => positionals.length === 0 || positionals.includes(row);

const rows: Record<string, unknown> = {};
if (['static-16k', 'static-1m', 'stored-1m', 'core'].some(wants)) {
  await using folder = await temporaryFolder();
  await using servers = await startAll(folder.path);
  const { router, nginx, nginxCopying, nginxOpening, bare, ceilings } = servers;
  const scenarios = [
    {
      row: 'static-16k',
      path: '/static/dist/small.bin',
      contenders: [router, nginx, nginxCopying, bare, ceilings.small],
    },
    {
      row: 'static-1m',
      path: '/static/dist/large.bin',
      contenders: [router, nginx, nginxCopying, bare, ceilings.large],
    },
    { row: 'stored-1m', path: servers.storedTarget, contenders: [router, nginx, nginxCopying, nginxOpening] },
    { row: 'core', path: '/if/user/', contenders: [router, nginx] },
  ];
  for (const { row, path, contenders } of scenarios) {
    if (wants(row)) rows[row] = { at: now(), ...load, ...(await rates(path, contenders, load)) };
  }
}
if (wants('upload')) rows['upload'] = { at: now(), ...(await uploads(Number(values.gigabytes))) };
if (wants('up')) rows['up'] = { at: now(), ...(await warmStart()) };

const machine = {
  cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  versions: { node: process.version, nginx: execFileSync('sh', ['-c', 'nginx -v 2>&1'], { encoding: 'utf8' }).trim() },
  commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
  command: `test/bench/router.ts ${process.argv.slice(2).join(' ')}`.trim(),
};
console.log(JSON.stringify({ ...machine, rows }, undefined, 2));
if (values.save) {
  const file = join(import.meta.dirname, 'results', `router-${now().slice(0, 10)}.json`);
  const before: { rows?: Record<string, unknown> } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  await writeFile(file, `${JSON.stringify({ ...machine, rows: { ...before.rows, ...rows } }, undefined, 2)}\n`);
}
process.exit(0);

function now(): string {
  return new Date().toISOString();
}
