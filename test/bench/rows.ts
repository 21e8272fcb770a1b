// A benchmark of rows: measures those that were asked for, prints them as one JSON document, and with `--save` keeps them
// beside the rows of the same day that were not measured now.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';

export type Rows = Readonly<Record<string, () => Promise<unknown>>>;

/** @param name of the file below `results`, in front of the day */
export async function runRows(name: string, rows: Rows): Promise<void> {
  const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));
  const results: Record<string, unknown> = {};
  for (const [row, measure] of Object.entries(rows)) {
    if (wanted.length > 0 && !wanted.includes(row)) continue;
    results[row] = await measure();
    console.error(row, JSON.stringify(results[row]));
  }
  const date = new Date().toISOString().slice(0, 10);
  const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`;
  const documentOf = (all: object) => JSON.stringify({ date, machine, node: process.version, results: all }, null, 2);
  console.log(documentOf(results));
  if (!process.argv.includes('--save')) return;
  const folder = join(import.meta.dirname, 'results');
  const file = join(folder, `${name}-${date}.json`);
  await mkdir(folder, { recursive: true });
  await writeFile(file, `${documentOf({ ...(await savedRows(file)), ...results })}\n`);
}

async function savedRows(file: string): Promise<object> {
  const saved: unknown = JSON.parse(await readFile(file, 'utf8').catch(() => '{}'));
  return typeof saved === 'object' && saved !== null && 'results' in saved ? Object(saved.results) : {};
}
