// How often a password was found in breaches: by the range interface of Pwned Passwords, or by a folder with its files for
// installations without a way out. Only five characters of the hash ever leave the process.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const answerMs = 10_000;
const longestAnswer = 1_000_000;

/**
 * @param source address that ends in `/`, or folder of files `<five hex digits>.txt` with lines `<rest of the hash>:<count>`
 * @throws Error when the source cannot be read: an unanswered question is not a good password
 */
export async function timesBreached(source: string, password: string): Promise<number> {
  const hash = createHash('sha1').update(password, 'utf8').digest('hex').toUpperCase();
  const [range, rest] = [hash.slice(0, 5), hash.slice(5)];
  const text = /^https?:\/\//.test(source) ? await fetchRange(source + range) : await readRange(source, range);
  const line = text.split('\n').find((entry) => entry.toUpperCase().startsWith(`${rest}:`));
  return line === undefined ? 0 : Number.parseInt(line.slice(rest.length + 1), 10) || 0;
}

async function fetchRange(url: string): Promise<string> {
  const response = await fetch(url, {
    headers: { 'User-Agent': 'gatehouse', 'Add-Padding': 'true' },
    signal: AbortSignal.timeout(answerMs),
  });
  const text = await response.text();
  if (!response.ok || text.length > longestAnswer)
    throw new Error(`The breach list answered ${response.status}; whether the password is on it is not known.`);
  return text;
}

async function readRange(folder: string, range: string): Promise<string> {
  return readFile(join(folder, `${range}.txt`), 'utf8');
}
