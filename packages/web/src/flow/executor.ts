// Talks to the flow executor as a browser does (flow-executor.md §13): looks and answers, follows redirects, and sorts
// everything that can go wrong into a few kinds of trouble.
import type { FlowInfo, ResponseErrors } from '@gatehouse/contract/flow';
import { csrfToken } from '../call/csrf.ts';

/** What every challenge has; the element of its component knows the rest. */
export interface ReceivedChallenge {
  readonly component: string;
  readonly flow_info?: FlowInfo;
  readonly response_errors?: ResponseErrors;
}

export interface Trouble {
  /** No answer at all; the core is not there; there is no such flow; anything else. */
  readonly kind: 'unreachable' | 'unavailable' | 'no such flow' | 'failed';
  /** When to ask again; absent where asking again is useless. */
  readonly retryAfterSeconds?: number;
  /** Names the request in the core's log. */
  readonly requestId?: string;
}

export type Reply =
  /** `advanced`: the answer was taken and this is the next stage. */
  | { readonly kind: 'challenge'; readonly challenge: ReceivedChallenge; readonly advanced: boolean }
  | { readonly kind: 'trouble'; readonly trouble: Trouble };

export interface Executor {
  look(): Promise<Reply>;
  answer(values: Readonly<Record<string, unknown>>): Promise<Reply>;
}

const deadlineMs = 30_000;
const usualRetrySeconds = 5;

export function createExecutor(base: string, slug: string, query: string): Executor {
  const url = `${base}api/v3/flows/executor/${encodeURIComponent(slug)}/?query=${encodeURIComponent(query)}`;
  const call = async (init: RequestInit): Promise<Reply> => {
    try {
      const signal = AbortSignal.timeout(deadlineMs);
      return await read(await fetch(url, { ...init, signal, credentials: 'same-origin', cache: 'no-store' }));
    } catch {
      // The network, the deadline, or an answer that is no JSON: something in between answers for the core.
      return { kind: 'trouble', trouble: { kind: 'unreachable', retryAfterSeconds: usualRetrySeconds } };
    }
  };
  return {
    look: () => call({ headers: { Accept: 'application/json' } }),
    answer: (values) =>
      call({
        method: 'POST',
        body: JSON.stringify(values),
        headers: {
          Accept: 'application/json',
          'Content-Type': 'application/json',
          'X-authentik-CSRF': csrfToken(),
        },
      }),
  };
}

async function read(response: Response): Promise<Reply> {
  const requestId = response.headers.get('X-authentik-id') ?? undefined;
  const trouble = (given: Trouble): Reply => ({
    kind: 'trouble',
    trouble: { ...given, ...(requestId === undefined ? {} : { requestId }) },
  });
  if (response.ok) return { kind: 'challenge', challenge: await response.json(), advanced: response.redirected };
  if (response.status === 404) return trouble({ kind: 'no such flow' });
  const { status } = response;
  if (status === 429 || status === 502 || status === 503 || status === 504)
    return trouble({ kind: 'unavailable', retryAfterSeconds: secondsOf(response.headers.get('Retry-After')) });
  return trouble({ kind: 'failed' });
}

/** Either form of RFC 9110 §10.2.3, kept between one second and two minutes. */
function secondsOf(retryAfter: string | null): number {
  const given = retryAfter === null ? Number.NaN : Number(retryAfter);
  const seconds = Number.isNaN(given) ? (Date.parse(retryAfter ?? '') - Date.now()) / 1000 : given;
  return Number.isNaN(seconds) ? usualRetrySeconds : Math.min(120, Math.max(1, Math.ceil(seconds)));
}
