// The LDAP outpost against slapd, row by row as its goals are written: repeated binds, searches by uid, prefixes over a large
// directory, listings, whole journeys, cold binds beside remembered ones, and a large directory's memory and refresh. Rounds
// are interleaved, and a median is taken. Needs `slapd` and `taskset`.
// Run: npx tsc -b && npx tsx --conditions source test/bench/ldap.ts [--save] [row …]
import { mkdir, writeFile } from 'node:fs/promises';
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
const document = JSON.stringify(
  { date, machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`, node: process.version, results },
  null,
  2,
);
console.log(document);
if (save) {
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `ldap-${date}.json`), `${document}\n`);
}
