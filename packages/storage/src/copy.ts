// Copies the files of one tenant from one store to another (files.md §15.2 "Backend switch"): every file is read back from
// the target and compared before it counts. Nothing is deleted and nothing replaced, so it can be stopped and run again.
import { createHash } from 'node:crypto';
import type { ListedFile, ManageableBackend } from './backend.ts';
import { contentTypeOf } from './content-types.ts';
import { asFileName, type FileName } from './names.ts';

export interface CopyOptions {
  readonly from: ManageableBackend;
  readonly to: ManageableBackend;
  readonly tenant: string;
  /** Says what would be done. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
  /** Called after each file. */
  readonly onProgress?: (done: CopyReport) => void;
}

export interface CopyReport {
  readonly copied: number;
  readonly bytes: number;
  /** There already, with the same content. */
  readonly same: number;
  readonly problems: readonly CopyProblem[];
}

export interface CopyProblem {
  readonly name: string;
  /** `unusable-name`: placed by hand, no store accepts it. `differs`: the target holds another file of that name. */
  readonly kind: 'unusable-name' | 'differs' | 'not-verified' | 'failed';
  readonly detail: string;
}

/** @throws when the source cannot be listed, or the signal's reason; a single file that fails is a problem of the report */
export async function copyFiles(options: CopyOptions): Promise<CopyReport> {
  let report: CopyReport = { copied: 0, bytes: 0, same: 0, problems: [] };
  for await (const listed of options.from.list(options.tenant)) {
    options.signal?.throwIfAborted();
    const outcome = await copyOne(listed, options);
    if (outcome.kind === 'copied')
      report = { ...report, copied: report.copied + 1, bytes: report.bytes + outcome.bytes };
    else if (outcome.kind === 'same') report = { ...report, same: report.same + 1 };
    else report = { ...report, problems: [...report.problems, { name: listed.name, ...outcome }] };
    options.onProgress?.(report);
  }
  return report;
}

type Outcome =
  | { readonly kind: 'copied'; readonly bytes: number }
  | { readonly kind: 'same' }
  | Omit<CopyProblem, 'name'>;

async function copyOne(listed: ListedFile, options: CopyOptions): Promise<Outcome> {
  const { from, to, tenant, dryRun = false } = options;
  const name = asFileName(listed.name);
  if (name === undefined) return { kind: 'unusable-name', detail: 'rename it first' };
  try {
    if (await to.exists(name, { tenant })) {
      const [mine, theirs] = await Promise.all([hashOf(from, name, tenant), hashOf(to, name, tenant)]);
      return mine === theirs ? { kind: 'same' } : { kind: 'differs', detail: 'the target holds another content' };
    }
    if (dryRun) return { kind: 'copied', bytes: listed.size ?? 0 };
    const { stream } = await from.get(name, { tenant });
    const signal = options.signal === undefined ? {} : { signal: options.signal };
    const put = { tenant, contentType: contentTypeOf(name), ...signal };
    const written = await to.put(name, stream, put).finally(() => letGo(stream));
    const arrived = await hashOf(to, name, tenant);
    if (arrived === written.sha256) return { kind: 'copied', bytes: written.size };
    return { kind: 'not-verified', detail: 'what came back from the target is not what was sent' };
  } catch (error) {
    options.signal?.throwIfAborted();
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) };
  }
}

async function hashOf(backend: ManageableBackend, name: FileName, tenant: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await backend.get(name, { tenant })).stream) hash.update(chunk);
  return hash.digest('hex');
}

/** Frees the handle or connection of a stream that the target refused before its end. */
async function letGo(stream: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const _ of stream) break; // leaving the loop is what closes it
  } catch {
    // read to its end already, or broken: nothing is held any more
  }
}
