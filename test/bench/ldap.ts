// The LDAP outpost against slapd, row by row as its goals are written: repeated binds, searches by uid, prefixes over a large
// directory, listings, whole journeys, cold binds beside remembered ones, and a large directory's memory and refresh. Rounds
// are interleaved, and a median is taken. Needs `slapd` and `taskset`.
// Run: npx tsc -b && npx tsx --conditions source test/bench/ldap.ts [--save] [row …]
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { rows } from './ldap/rows.ts';

const [save, ...wanted] = [
  process.argv.includes('--save'),
  ...process.argv.slice(2).filter((one) => !one.startsWith('--')),
];
const results: Record<string, unknown> = {};
for (const [name, measure] of Object.entries(rows)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  results[name] = await measure();
  console.error(name, JSON.stringify(results[name]));
}
const date = new Date().toISOString().slice(0, 10);
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
const documentOf = (all: object) => JSON.stringify({ date, machine, node: process.version, results: all }, null, 2);
console.log(documentOf(results));
if (save) {
  const folder = join(import.meta.dirname, 'results');
  const file = join(folder, `ldap-${date}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${documentOf({ ...(await savedRows(file)), ...results })}\n`);
}

/** Rows of the same day that were not measured now stay. */
async function savedRows(file: string): Promise<object> {
  const text = await readFile(file, 'utf8').catch(() => '{}');
  const saved: unknown = JSON.parse(text);
  return typeof saved === 'object' && saved !== null && 'results' in saved ? Object(saved.results) : {};
}
