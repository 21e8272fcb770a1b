// One suite for every writable backend (STYLE 51): what must hold wherever the bytes are kept.
import { createHash, randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Backend, ManageableBackend } from '../backend.ts';
import { parseFileName } from '../names.ts';

export interface BackendUnderTest extends AsyncDisposable {
  readonly backend: ManageableBackend;
  /** Names visible in the store below the usage, whatever the backend says. */
  raw(): Promise<string[]>;
}

/** What holds for each of the four, also for those that cannot be written to. */
export interface ReadableUnderTest extends AsyncDisposable {
  readonly backend: Backend;
  /** A value that is this backend's, and what is in its store from the start. */
  readonly value: string;
  readonly listed: readonly string[];
  /** What its address looks like for a request to `https://id.example`. */
  readonly address: RegExp;
}

/** @param foreign values that this backend leaves to others; none for the last in the row, which takes what is left */
export function readableSuite(
  title: string,
  start: () => Promise<ReadableUnderTest>,
  foreign: readonly string[],
): void {
  const context = { tenant: 'public', nowMs: Date.parse('2026-03-01T12:00:00Z') };
  describe(title, () => {
    test('files F1: it knows its own values, and leaves those of others alone', async () => {
      await using under = await start();
      expect(under.backend.recognises(under.value)).toBe(true);
      expect(foreign.filter((value) => under.backend.recognises(value))).toEqual([]);
    });

    test('files F45: an address is made without asking anybody, whole with an origin, and the same for a while', async () => {
      await using under = await start();
      const address = await under.backend.url(under.value, { ...context, origin: 'https://id.example' });
      expect(address).toMatch(under.address);
      const later = { ...context, origin: 'https://id.example', nowMs: context.nowMs + 60_000 };
      expect(await under.backend.url(under.value, later)).toBe(address);
    });

    test('files F14: what it lists is what is there, and each name is one of its own', async () => {
      await using under = await start();
      const names = await collect(under.backend.list('public'));
      expect(names).toEqual([...under.listed].sort());
      expect(names.filter((name) => !under.backend.recognises(name))).toEqual([]);
    });
  });
}

const tenant = 'public';
const png = { tenant, contentType: 'image/png' };

export function backendSuite(title: string, start: () => Promise<BackendUnderTest>): void {
  describe(title, () => {
    test('files F13: saving creates folders, existence is reported, deleting a missing file is no error', async () => {
      await using under = await start();
      const name = parseFileName('a/b/c.png');
      expect(await collect(under.backend.list(tenant))).toEqual([]);
      expect(await under.backend.delete(name, { tenant })).toBe(false);
      await under.backend.put(name, once('x'), png);
      expect(await under.backend.exists(name, { tenant })).toBe(true);
      expect(await under.backend.delete(name, { tenant })).toBe(true);
      expect(await under.backend.exists(name, { tenant })).toBe(false);
      expect(await under.raw()).toEqual([]);
    });

    test('files F14: listing names every file of the tree, with its size', async () => {
      await using under = await start();
      for (const name of ['file1.txt', 'file2.png', 'subdir/file3.csv'])
        await under.backend.put(parseFileName(name), once(name), png);
      const listed = await all(under.backend.list(tenant));
      expect(listed.map(({ name, size }) => [name, size]).sort()).toEqual([
        ['file1.txt', 9],
        ['file2.png', 9],
        ['subdir/file3.csv', 16],
      ]);
    });

    test('files F10: another tenant sees nothing of it', async () => {
      await using under = await start();
      await under.backend.put(parseFileName('a.png'), once('x'), png);
      expect(await collect(under.backend.list('t_other'))).toEqual([]);
      expect(await under.backend.exists(parseFileName('a.png'), { tenant: 't_other' })).toBe(false);
    });

    test('files F28: a second upload of a name is refused and the first content stays', async () => {
      await using under = await start();
      const name = parseFileName('a.png');
      await under.backend.put(name, once('first'), png);
      await expect(under.backend.put(name, once('second'), png)).rejects.toMatchObject({ code: 'ERR_STORAGE_EXISTS' });
      expect(await read(under.backend, 'a.png')).toBe('first');
      await under.backend.put(name, once('third'), { ...png, overwrite: true });
      expect(await read(under.backend, 'a.png')).toBe('third');
    });

    test('files F30: of two simultaneous uploads of one name exactly one succeeds', async () => {
      await using under = await start();
      const name = parseFileName('a.png');
      const both = await Promise.allSettled([
        under.backend.put(name, once('1'), png),
        under.backend.put(name, once('2'), png),
      ]);
      expect(both.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    });

    test('files F49: an upload that breaks off leaves neither a visible file nor a blocked name', async () => {
      await using under = await start();
      const name = parseFileName('deep/torn.png');
      await expect(under.backend.put(name, torn(20 * 1024 * 1024), png)).rejects.toThrow('torn');
      expect(await collect(under.backend.list(tenant))).toEqual([]);
      expect(await under.raw()).toEqual([]);
      await under.backend.put(name, once('whole'), png);
      expect(await read(under.backend, 'deep/torn.png')).toBe('whole');
    });

    test('files F29: one byte over the limit is refused, the limit itself passes, nothing stays behind', async () => {
      await using under = await start();
      const limited = { ...png, maxBytes: 5 };
      await under.backend.put(parseFileName('five.png'), once('12345'), limited);
      await expect(under.backend.put(parseFileName('six.png'), once('123456'), limited)).rejects.toMatchObject({
        code: 'ERR_STORAGE_TOO_LARGE',
      });
      expect(await collect(under.backend.list(tenant))).toEqual(['five.png']);
    });

    test('a large upload comes back byte for byte, with its digest, and by range', async () => {
      await using under = await start();
      const content = randomBytes(17 * 1024 * 1024 + 3);
      const name = parseFileName('large.bin');
      const put = await under.backend.put(name, pieces(content, 700_001), png);
      expect(put).toEqual({ size: content.byteLength, sha256: createHash('sha256').update(content).digest('hex') });
      const whole = await under.backend.get(name, { tenant });
      expect(whole.size).toBe(content.byteLength);
      expect(Buffer.concat(await all(whole.stream)).equals(content)).toBe(true);
      const range = await under.backend.get(name, { tenant, range: { start: 8_388_600, end: 8_388_615 } });
      expect(Buffer.concat(await all(range.stream)).equals(content.subarray(8_388_600, 8_388_616))).toBe(true);
      expect(range.size).toBe(content.byteLength);
    });

    test('a missing file is not found', async () => {
      await using under = await start();
      await expect(under.backend.get(parseFileName('no.png'), { tenant })).rejects.toMatchObject({
        code: 'ERR_STORAGE_NOT_FOUND',
      });
    });
  });
}

export async function* once(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text);
}

async function* torn(bytes: number): AsyncIterable<Uint8Array> {
  yield Buffer.alloc(bytes);
  throw new Error('torn');
}

async function* pieces(content: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < content.byteLength; at += size) yield content.subarray(at, at + size);
}

async function collect(files: AsyncIterable<{ readonly name: string }>): Promise<string[]> {
  return (await all(files)).map(({ name }) => name).sort();
}

async function read(backend: ManageableBackend, name: string): Promise<string> {
  const { stream } = await backend.get(parseFileName(name), { tenant });
  return Buffer.concat(await all(stream)).toString('utf8');
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}
