// Accounting events on disk until the core has them: appended to segments of JSON lines and synced before the device gets its
// answer (RFC 2866 §4.1), many at one sync. After a crash everything that was answered is still there; what was being sent
// may be sent once more. A full or failing disk means no answer, so that the device keeps its record. Called by outbox.ts.
import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '@gatehouse/daemon/log';
import { radiusError } from '../errors.ts';

export interface Spool {
  /** Resolves when the event is safe; false when there is no room, or the disk fails. */
  append(event: object): Promise<boolean>;
  /** The oldest event not yet delivered; `undefined` when there is none. */
  oldest(): Promise<object | undefined>;
  /** The core has the oldest. */
  delivered(): Promise<void>;
  /** Events not yet delivered. */
  readonly size: number;
  close(): Promise<void>;
}

export interface SpoolOptions {
  /** Made when it is missing. */
  readonly folder: string;
  readonly maxEvents: number;
  readonly log: Logger;
}

interface Segment {
  readonly path: string;
  readonly number: number;
  /** Lines that are safe; only for the segment being written or read, else on disk alone. */
  lines: string[] | undefined;
  total: number;
}

const eventsPerSegment = 1_000;
const markName = 'delivered';
/** Deliveries between two notes of how far it has got: what a crash sends again at most. */
const markEvery = 20;

/** @throws GatewayError `ERR_RADIUS_ACCOUNTING` when the folder cannot be used */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { folder } = options;
  const state = await recover(folder).catch((cause: unknown) => {
    throw radiusError(
      'ERR_RADIUS_ACCOUNTING',
      `The accounting folder ${folder} cannot be used: ${String(cause)}.`,
      'Give it to the user the daemon runs as, or set AUTHENTIK_RADIUS__ACCOUNTING_FOLDER.',
    );
  });
  return new FileSpool(options, state);
}

interface Recovered {
  readonly segments: Segment[];
  readonly delivered: number;
}

/** What an earlier run has left: whole lines count, a torn last one was never answered. */
async function recover(folder: string): Promise<Recovered> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const names = (await readdir(folder)).filter((name) => /^\d{10}\.jsonl$/.test(name)).sort();
  const segments: Segment[] = [];
  for (const name of names) {
    const path = join(folder, name);
    const total = (await readLines(path)).length;
    if (total === 0) await rm(path);
    else segments.push({ path, number: Number.parseInt(name, 10), lines: undefined, total });
  }
  const [number, count] = (await readFile(join(folder, markName), 'utf8').catch(() => '')).split(' ').map(Number);
  const [first] = segments;
  return {
    segments,
    delivered: first !== undefined && first.number === number ? Math.min(count ?? 0, first.total) : 0,
  };
}

class FileSpool implements Spool {
  readonly #options: SpoolOptions;
  readonly #segments: Segment[];
  #delivered: number;
  #size: number;
  #file: FileHandle | undefined;
  #waiting: { readonly line: string; readonly done: (isSafe: boolean) => void }[] = [];
  /** Waiting, or in the write that goes on. */
  #unsafe = 0;
  #writing: Promise<void> | undefined;
  #isFailing = false;

  constructor(options: SpoolOptions, { segments, delivered }: Recovered) {
    this.#options = options;
    this.#segments = segments;
    this.#delivered = delivered;
    this.#size = segments.reduce((sum, { total }) => sum + total, 0) - delivered;
  }

  get size(): number {
    return this.#size;
  }

  append(event: object): Promise<boolean> {
    if (this.#size + this.#unsafe >= this.#options.maxEvents) return Promise.resolve(false);
    this.#unsafe += 1;
    return new Promise((done) => {
      this.#waiting.push({ line: JSON.stringify(event), done });
      this.#writing ??= this.#writeAll().finally(() => {
        this.#writing = undefined;
      });
    });
  }

  async oldest(): Promise<object | undefined> {
    for (let [head] = this.#segments; head !== undefined; [head] = this.#segments) {
      if (this.#delivered < head.total) {
        head.lines ??= await readLines(head.path);
        return JSON.parse(head.lines[this.#delivered] ?? '{}');
      }
      if (head === this.#active) return undefined;
      await this.#dropHead();
    }
    return undefined;
  }

  async delivered(): Promise<void> {
    this.#delivered += 1;
    this.#size -= 1;
    if (this.#delivered % markEvery === 0) await this.#mark();
  }

  async close(): Promise<void> {
    await this.#writing;
    await this.#file?.close();
    this.#file = undefined;
    const [head] = this.#segments;
    if (head !== undefined && this.#size === 0) await this.#dropHead();
    else await this.#mark();
  }

  /** The segment being appended to. */
  get #active(): Segment | undefined {
    return this.#file === undefined ? undefined : this.#segments.at(-1);
  }

  /** Everything that waits goes into one write and one sync; what comes meanwhile goes into the next. */
  async #writeAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      const isSafe = await this.#write(batch.map(({ line }) => line)).then(
        () => true,
        (error: unknown) => {
          if (!this.#isFailing)
            this.#options.log.error('accounting cannot be stored', {
              path: this.#options.folder,
              error: String(error),
            });
          return false;
        },
      );
      this.#isFailing = !isSafe;
      this.#unsafe -= batch.length;
      for (const { done } of batch) done(isSafe);
    }
  }

  async #write(lines: readonly string[]): Promise<void> {
    const segment = await this.#openSegment();
    try {
      await this.#file?.appendFile(`${lines.join('\n')}\n`);
      await this.#file?.datasync();
    } catch (error) {
      // Half a write may be in the file: it is closed, and the next one begins a new segment.
      await this.#file?.close().catch(() => undefined);
      this.#file = undefined;
      throw error;
    }
    segment.lines?.push(...lines);
    segment.total += lines.length;
    this.#size += lines.length;
  }

  async #openSegment(): Promise<Segment> {
    const active = this.#active;
    if (active !== undefined && active.total < eventsPerSegment) return active;
    await this.#file?.close();
    this.#file = undefined;
    // What is not being read need not stay in memory.
    if (active !== undefined && active !== this.#segments[0]) active.lines = undefined;
    const number = (this.#segments.at(-1)?.number ?? 0) + 1;
    const path = join(this.#options.folder, `${String(number).padStart(10, '0')}.jsonl`);
    this.#file = await open(path, 'ax', 0o600);
    const segment: Segment = { path, number, lines: [], total: 0 };
    this.#segments.push(segment);
    return segment;
  }

  async #dropHead(): Promise<void> {
    const head = this.#segments.shift();
    this.#delivered = 0;
    if (head !== undefined) await rm(head.path, { force: true });
  }

  async #mark(): Promise<void> {
    const [head] = this.#segments;
    if (head !== undefined) await writeFile(join(this.#options.folder, markName), `${head.number} ${this.#delivered}`);
  }
}

async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8');
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => isJson(line));
}

function isJson(line: string): boolean {
  try {
    JSON.parse(line);
    return true;
  } catch {
    return false; // torn by a crash in the middle of a write, so never answered
  }
}
