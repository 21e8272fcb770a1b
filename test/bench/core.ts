// The core's REST API and its process: a page of a hundred users against the bare query in the same run, and what a core
// needs to start and to idle. Reference and subject take turns, and medians are compared.
// Run: npx tsc -b && npx tsx --conditions source test/bench/core.ts [--save] [row …]
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { measurePages } from './core/pages.ts';
import { measureProcess } from './core/process.ts';

const rows: Readonly<Record<string, () => Promise<object>>> = { pages: measurePages, process: measureProcess };
const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));
const results: Record<string, object> = {};
for (const [name, measure] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  results[name] = await measure();
  console.error(name, JSON.stringify(results[name]));
}
const date = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
const document = JSON.stringify({ date, machine, node: process.version, results }, null, 2);
console.log(document);
if (process.argv.includes('--save')) {
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `core-${date}.json`), `${document}\n`);
}
