// Calls to the core's OIDC endpoints (proxy.md §7.2): 10 s for everything, one more try when no connection came about, and
// a cap on what is read. The one file of this room that imports undici.
import { isGatewayError } from '@gatehouse/daemon/errors';
import { Agent, request } from 'undici';
import { proxyError } from '../errors.ts';

export interface BackChannelAnswer {
  readonly status: number;
  /** Parsed JSON, or `undefined` when it is none. */
  readonly body: unknown;
}

export interface BackChannel extends AsyncDisposable {
  /** @throws GatewayError `ERR_PROXY_BACK_CHANNEL` when there was no answer in time */
  post(url: string, form: Readonly<Record<string, string>>, headers: HeaderMap): Promise<BackChannelAnswer>;
  get(url: string, headers: HeaderMap): Promise<BackChannelAnswer>;
}

type HeaderMap = Readonly<Record<string, string>>;

const answerMs = 10_000;
const maxAnswerBytes = 1024 * 1024;
const connectFailures = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_SOCKET']);

export interface BackChannelOptions {
  readonly insecure: boolean;
  readonly userAgent: string;
  /** Unix socket behind which the core is, whatever host its URLs name. */
  readonly coreSocket?: string;
}

export function createBackChannel({ coreSocket, ...options }: BackChannelOptions): BackChannel {
  const agent = new Agent({
    connect: {
      timeout: 5_000,
      rejectUnauthorized: !options.insecure,
      ...(coreSocket === undefined ? {} : { socketPath: coreSocket }),
    },
    keepAliveTimeout: 30_000,
    connections: 64,
  });
  const call = async (url: string, init: { method: 'GET' | 'POST'; headers: HeaderMap; body?: string }) => {
    const headers = { accept: 'application/json', 'user-agent': options.userAgent, ...init.headers };
    const send = () => exchange(agent, url, { ...init, headers });
    return send().catch((error: unknown) => (isConnectFailure(error) ? send() : Promise.reject(error)));
  };
  const reported = async (url: string, answer: Promise<BackChannelAnswer>) =>
    answer.catch((cause: unknown) => {
      if (isGatewayError(cause)) throw cause;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw proxyError('ERR_PROXY_BACK_CHANNEL', `No answer from ${new URL(url).origin}: ${reason}.`, cause);
    });
  return {
    post: (url, form, headers) =>
      reported(
        url,
        call(url, {
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
          body: new URLSearchParams(form).toString(),
        }),
      ),
    get: (url, headers) => reported(url, call(url, { method: 'GET', headers })),
    [Symbol.asyncDispose]: () => agent.destroy(),
  };
}

async function exchange(
  agent: Agent,
  url: string,
  init: { readonly method: 'GET' | 'POST'; readonly headers: HeaderMap; readonly body?: string },
): Promise<BackChannelAnswer> {
  const answer = await request(url, { ...init, dispatcher: agent, signal: AbortSignal.timeout(answerMs) });
  const parts: Buffer[] = [];
  let bytes = 0;
  for await (const part of answer.body) {
    const chunk = Buffer.from(part);
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw proxyError('ERR_PROXY_BACK_CHANNEL', `The answer of ${url} is too large.`);
    parts.push(chunk);
  }
  return { status: answer.statusCode, body: parseJson(Buffer.concat(parts).toString('utf8')) };
}

function isConnectFailure(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return connectFailures.has(code);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the caller judges by status, and treats a missing body as a refusal
  }
}
