// The core's figures, each with its reference from the same run: a page of a hundred users against the bare query, tokens
// against bare oidc-provider, logins against as many bare requests, a change told to a thousand control channels, and what a
// core needs to start and to idle. `--save` writes them into results/, beside what other rows of the day wrote.
// Run: npx tsc -b && npx tsx --conditions source test/bench/core.ts [--save] [row …]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { measureChannels } from './core/channels.ts';
import { measureLogins } from './core/logins.ts';
import { measurePages } from './core/pages.ts';
import { measureProcess } from './core/process.ts';
import { measureTokens } from './core/tokens.ts';

const rows: Readonly<Record<string, () => Promise<object>>> = {
  pages: measurePages,
  tokens: measureTokens,
  logins: measureLogins,
  channels: measureChannels,
  process: measureProcess,
};
const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));
const results: Record<string, object> = {};
for (const [name, measure] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  results[name] = await measure();
  console.error(name, JSON.stringify(results[name]));
}
const date = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
const folder = join(import.meta.dirname, 'results');
const file = join(folder, `core-${date}.json`);
const earlier: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
const others = typeof earlier === 'object' && earlier !== null && 'results' in earlier ? Object(earlier.results) : {};
const document = JSON.stringify({ date, machine, node: process.version, results: { ...others, ...results } }, null, 2);
console.log(document);
if (process.argv.includes('--save')) {
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${document}\n`);
}
