// Calls to the core as the service account (core-contract §2): deadlines, a cap on answers, pages with a bounded retry, and
// errors that say what to do.

import { setTimeout as pause } from 'node:timers/promises';
import { stretches } from '@gatehouse/daemon/async';
import type { Secret } from '@gatehouse/daemon/config';
import type { z } from 'zod';
import { contractError, errorOfStatus } from '../errors.ts';
import { pageRow } from '../rest/index.ts';
import { type CoreAddress, coreAddress } from './base-url.ts';
import { createExchange, type Exchange, type RawAnswer, type RawCall } from './exchange.ts';

const pageAttempts = 3;

export interface CoreClientOptions {
  readonly host: string;
  readonly token: Secret;
  readonly insecure: boolean;
  readonly userAgent: string;
}

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | readonly string[]>>;
  readonly signal?: AbortSignal;
}

export interface CoreClient {
  readonly address: CoreAddress;
  readonly options: CoreClientOptions;
  get<S extends z.ZodType>(path: string, schema: S, options?: CallOptions): Promise<z.infer<S>>;
  post<S extends z.ZodType>(path: string, body: unknown, schema: S, options?: CallOptions): Promise<z.infer<S>>;
  /** Every row of a list, all pages; fails as a whole. `pageSize` up to 100. */
  pages<S extends z.ZodType>(
    path: string,
    row: S,
    options: CallOptions & { readonly pageSize?: number },
  ): Promise<z.infer<S>[]>;
  /**
   * As `pages`, but hands rows on one by one as they come, some in each turn of the event loop, for lists too long to be kept.
   * @returns the core's count of rows
   */
  eachRow<S extends z.ZodType>(
    path: string,
    row: S,
    options: CallOptions & { readonly pageSize?: number },
    take: (row: z.infer<S>) => void,
  ): Promise<number>;
  /** `/sub/api/v3/…` for a path below the API root. */
  target(path: string, query?: CallOptions['query']): string;
  raw(call: RawCall): Promise<RawAnswer>;
  close(): Promise<void>;
}

/** Rows are checked and handed on for so long at a stretch. */
const stretchMs = 2;

export function createCoreClient(options: CoreClientOptions): CoreClient {
  const address = coreAddress(options.host);
  const exchange = createExchange(address, { insecure: options.insecure });
  const target = (path: string, query: CallOptions['query'] = {}) => {
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of Array.isArray(value) ? value : [value]) search.append(name, String(one));
    }
    return `${address.prefix}api/v3${path}${search.size === 0 ? '' : `?${search}`}`;
  };
  const raw = (call: RawCall) => send(exchange, address, call);
  const serviceHeaders = (extra: Record<string, string> = {}) => ({
    authorization: `Bearer ${options.token.reveal()}`,
    'user-agent': options.userAgent,
    accept: 'application/json',
    ...extra,
  });
  const call = async <S extends z.ZodType>(rawCall: RawCall, schema: S): Promise<z.infer<S>> =>
    parseAnswer(rawCall, await raw(rawCall), schema);
  const get = <S extends z.ZodType>(path: string, schema: S, { query, signal }: CallOptions = {}) =>
    call(
      {
        method: 'GET',
        target: target(path, query),
        headers: serviceHeaders(),
        ...(signal === undefined ? {} : { signal }),
      },
      schema,
    );

  const eachRow: CoreClient['eachRow'] = async (path, row, { pageSize = 100, query = {}, ...rest }, take) => {
    let count = 0;
    const turn = stretches(stretchMs);
    for (let page = 1; page > 0; ) {
      const current = page;
      const found = await retried(
        () => get(path, pageRow, { ...rest, query: { ...query, page: current, page_size: pageSize } }),
        rest.signal,
      );
      for (const one of found.results) {
        await turn();
        take(checkedRow(path, row, one));
      }
      count = found.pagination.count;
      // Rows are counted but none comes: unknown is never empty.
      if (count > 0 && found.results.length === 0)
        throw contractError('ERR_CONTRACT_MALFORMED', `The core counts ${count} rows of ${path} and lists none.`);
      page = found.pagination.next > current ? found.pagination.next : 0;
    }
    return count;
  };

  return {
    address,
    options,
    target,
    raw,
    get,
    post: (path, body, schema, { query, signal } = {}) => {
      const headers = serviceHeaders({ 'content-type': 'application/json' });
      return call(
        {
          method: 'POST',
          target: target(path, query),
          headers,
          body: JSON.stringify(body),
          ...(signal === undefined ? {} : { signal }),
        },
        schema,
      );
    },
    async pages(path, row, given) {
      const rows: z.infer<typeof row>[] = [];
      await eachRow(path, row, given, (one) => void rows.push(one));
      return rows;
    },
    eachRow,
    close: () => exchange.close(),
  };
}

async function send(exchange: Exchange, { origin }: CoreAddress, call: RawCall): Promise<RawAnswer> {
  try {
    return await exchange.send(call);
  } catch (cause) {
    if (call.signal?.aborted === true) throw call.signal.reason;
    const reason = cause instanceof Error ? ('code' in cause ? String(cause.code) : cause.message) : String(cause);
    throw contractError(
      'ERR_CONTRACT_CORE_UNREACHABLE',
      `No answer from ${origin} to ${call.method} ${withoutQuery(call.target)} (${reason}).`,
      cause,
    );
  }
}

/** Status below 300 and a body that fits, or the error that says why not. */
export function parseAnswer<S extends z.ZodType>(call: RawCall, answer: RawAnswer, schema: S): z.infer<S> {
  const where = `${call.method} ${withoutQuery(call.target)}`;
  if (answer.status >= 300) throw errorOfStatus(answer.status, answer.body, where);
  const parsed = schema.safeParse(parseJson(answer.body, where));
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw contractError(
    'ERR_CONTRACT_MALFORMED',
    `The core's answer to ${where} does not fit: ${issue?.path.join('.')} ${issue?.message}.`,
  );
}

function checkedRow<S extends z.ZodType>(path: string, row: S, value: unknown): z.infer<S> {
  const parsed = row.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw contractError(
    'ERR_CONTRACT_MALFORMED',
    `A row of ${path} does not fit: ${issue?.path.join('.')} ${issue?.message}.`,
  );
}

function parseJson(text: string, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw contractError('ERR_CONTRACT_MALFORMED', `The core answered ${where} with something that is not JSON.`, cause);
  }
}

/** B8: a few attempts with a pause between, then the whole listing fails and the earlier data stay in force. */
async function retried<T>(task: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      if (attempt >= pageAttempts || signal?.aborted === true || !isPassing(error)) throw error;
      await pause(100 * 2 ** attempt, undefined, signal === undefined ? {} : { signal });
    }
  }
}

function isPassing(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ERR_CONTRACT_CORE_UNREACHABLE' || error.code === 'ERR_CONTRACT_CORE_FAILED')
  );
}

function withoutQuery(target: string): string {
  return target.split('?')[0] ?? target;
}
