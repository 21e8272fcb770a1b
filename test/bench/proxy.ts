// The proxy's figures row by row, each as a ratio to a measure of the same run: bare node:http that gives the same answer, a
// TCP relay in Node, Caddy. Rounds are interleaved, a median is taken. Needs nginx, caddy, wrk and taskset. Run after a build:
//   node --expose-gc --import tsx --conditions source test/bench/proxy.ts [row …] [--seconds=2] [--rounds=5]
//     [--gigabytes=0.25] [--profile=folder] [--save]
// Rows: forward-auth small large transfer workers bulk; all of them without a name. `transfer --gigabytes=10` takes some
// minutes. --profile writes a CPU profile of the daemon. Prints one JSON document; --save puts its rows into the file of the
// day in test/bench/results.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { temporaryFolder } from '@gatehouse/daemon/testing';
import { rows } from './proxy/rows.ts';
import { startSubjects } from './proxy/subjects.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    gigabytes: { type: 'string', default: '0.25' },
    profile: { type: 'string' },
    save: { type: 'boolean', default: false },
  },
});
const settings = {
  seconds: Number(values.seconds),
  rounds: Number(values.rounds),
  gigabytes: Number(values.gigabytes),
};
const unknown = positionals.filter((name) => !Object.hasOwn(rows, name));
if (unknown.length > 0) throw new Error(`no row ${unknown.join(', ')}; there are ${Object.keys(rows).join(', ')}`);

await using folder = await temporaryFolder();
const subjects = await startSubjects(folder.path, values.profile);
const measured: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(rows)) {
  if (positionals.length > 0 && !positionals.includes(name)) continue;
  const load = Number(loadavg()[0]?.toFixed(1));
  measured[name] = { date: new Date().toISOString(), ...settings, load, ...(await measure(subjects, settings)) };
  process.stderr.write(`${name} ${JSON.stringify(measured[name])}\n`);
}
await subjects.stop();
const day = new Date().toISOString().slice(0, 10);
const file = join(import.meta.dirname, 'results', `proxy-${day}.json`);
const before = values.save && existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).rows : {};
const document = {
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  versions: { node: process.version, nginx: version('nginx', '-v'), caddy: version('caddy', 'version') },
  command: 'test/bench/proxy.ts [row …] --seconds --rounds --gigabytes as in each row',
  rows: { ...before, ...measured },
};
const text = `${JSON.stringify(document, undefined, 2)}\n`;
process.stdout.write(text);
if (values.save) writeFileSync(file, text);
process.exit(0);

function version(tool: string, flag: string): string {
  return execFileSync('sh', ['-c', `${tool} ${flag} 2>&1`], { encoding: 'utf8' }).trim();
}
