// Calls of the REST API from a page (core.md §10): JSON both ways, proof against forgery, refusals as values of one kind.
import { csrfToken } from './csrf.ts';

/** A refusal or trouble, in words that can be shown. */
export class ApiProblem extends Error {
  /** 0 when there was no answer. */
  readonly status: number;
  /** Complaints by field. */
  readonly fields: Readonly<Record<string, readonly string[]>>;

  constructor(status: number, message: string, fields: Readonly<Record<string, readonly string[]>> = {}) {
    super(message);
    this.name = 'ApiProblem';
    this.status = status;
    this.fields = fields;
  }
}

export interface Page<T> {
  readonly pagination: { readonly count: number; readonly current: number; readonly total_pages: number };
  readonly results: readonly T[];
  /** How far a search by words has looked, where there are older rows. */
  readonly searched?: { readonly rows: number; readonly since: string };
}

export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Api {
  /** URL of a path below `/api/v3`. */
  url(path: string, query?: Query): string;
  get<T>(path: string, query?: Query): Promise<T>;
  /** Every page of a list, up to a thousand rows. */
  all<T>(path: string, query?: Query): Promise<readonly T[]>;
  send<T>(method: 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T>;
}

const deadlineMs = 30_000;
const pageSize = 100;
const mostPages = 10;

/** @param base URL prefix of everything; @param onLoggedOut called when the session is over */
export function createApi(base: string, onLoggedOut: () => void): Api {
  const url: Api['url'] = (path, query = {}) => {
    const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
    const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
    return `${base}api/v3${path}${text === '' ? '' : `?${text}`}`;
  };
  const call = async <T>(address: string, init: RequestInit = {}): Promise<T> => {
    const response = await fetch(address, { ...init, signal: AbortSignal.timeout(deadlineMs) }).catch(() => {
      throw new ApiProblem(0, 'The server cannot be reached. Try again in a moment.');
    });
    const text = await response.text();
    if (!response.ok) {
      const problem = problemOf(response, text);
      if (problem.message === 'Authentication credentials were not provided.') onLoggedOut();
      throw problem;
    }
    return (text === '' ? undefined : JSON.parse(text)) as T; // the caller names the shape that the contract promises
  };
  const get: Api['get'] = (path, query) => call(url(path, query), { headers: { Accept: 'application/json' } });
  return {
    url,
    get,
    async all<T>(path: string, query: Query = {}) {
      const rows: T[] = [];
      for (let page = 1; page <= mostPages; page += 1) {
        const { pagination, results } = await get<Page<T>>(path, { ...query, page, page_size: pageSize });
        rows.push(...results);
        if (page >= pagination.total_pages) break;
      }
      return rows;
    },
    send: (method, path, body) =>
      call(url(path), {
        method,
        headers: {
          Accept: 'application/json',
          'X-authentik-CSRF': csrfToken(),
          ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
  };
}

/** Reads a refusal, whatever wrote it. */
export function problemOf({ status, headers }: { status: number; headers: Headers }, text: string): ApiProblem {
  const after = headers.get('Retry-After');
  if (status === 502 || status === 503 || status === 504)
    return new ApiProblem(status, `The server is not ready. Try again in ${after ?? '5'} s.`);
  const body = parse(text);
  if (Array.isArray(body)) return new ApiProblem(status, body.join(' '));
  if (typeof body !== 'object' || body === null) return new ApiProblem(status, `The server answered with ${status}.`);
  const fields = Object.fromEntries(
    Object.entries(body).map(([field, value]): [string, string[]] => [field, textsOf(value)]),
  );
  const { detail, non_field_errors: general, ...others } = fields;
  const named = Object.entries(others).map(([field, texts]) => `${field}: ${texts.join(' ')}`);
  const message = [...(detail ?? []), ...(general ?? []), ...named].join(' ');
  return new ApiProblem(status, message || `The server answered with ${status}.`, others);
}

/** Complaints may be lists, and lists by field again. */
function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsOf);
  if (typeof value !== 'object' || value === null) return [String(value)];
  return Object.entries(value).flatMap(([name, inner]) => textsOf(inner).map((text) => `${name}: ${text}`));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of something in between
  }
}
