// The HTTP server of the core: request ids, who asks, errors as the contract shows them. Rooms add their routes.
import { randomUUID } from 'node:crypto';
import Fastify, { type FastifyInstance } from 'fastify';
import type { CoreDeps } from '../deps.ts';
import { areaOf } from '../metrics.ts';
import { InvalidInput } from '../models/invalid.ts';
import { csrfFailure, hasCsrfProof, identifyCaller } from './authentication.ts';
import { ApiFailure, type FailureBody, throttled } from './failure.ts';
import { collectOperations, type Operations } from './operations.ts';
import { type ApiRequest, shownPath } from './request.ts';
import { withoutWebPath } from './web-path.ts';

const bodyLimit = 1_048_576;
const headersLimit = 65_536;
/** Uploads over slow lines; one that stands still is ended by the router in front. */
const longestRequestMs = 3_600_000;

export type Api = FastifyInstance;

export interface CoreServer {
  readonly server: Api;
  readonly operations: Operations;
}

/** An empty server; {@link apiRoutes} is where routes below `/api/v3` go. */
export function createServer(deps: CoreDeps): CoreServer {
  const server = Fastify({
    logger: false,
    bodyLimit,
    trustProxy: false,
    routerOptions: { ignoreTrailingSlash: false, caseSensitive: true, maxParamLength: 1000 },
    genReqId: () => randomUUID().replaceAll('-', ''),
    requestIdHeader: false,
    http: { maxHeaderSize: headersLimit, requestTimeout: longestRequestMs },
    exposeHeadRoutes: true,
    rewriteUrl: ({ url = '/' }) => withoutWebPath(url, deps.webPath),
  });
  const operations = collectOperations(server);
  server.decorateRequest('caller');
  server.addHook('onRequest', async (request, reply) => {
    reply.header('X-authentik-id', request.id);
  });
  server.addHook('onResponse', async (request, reply) => {
    const { method, routeOptions } = request;
    const area = areaOf(routeOptions.url ?? '');
    const status = `${Math.floor(reply.statusCode / 100)}xx`;
    deps.metrics.requestSeconds.observe({ method, area, status }, reply.elapsedTime / 1000);
    deps.log.debug('request', {
      request_id: request.id,
      method,
      path: shownPath(request),
      status: reply.statusCode,
      took_ms: Math.round(reply.elapsedTime * 100) / 100,
    });
  });
  acceptEmptyJson(server);
  answerErrors(server, deps, operations);
  return { server, operations };
}

/** A scope whose requests know their caller and carry proof against forgery. */
export async function apiRoutes(server: Api, deps: CoreDeps, register: (api: Api) => void): Promise<void> {
  await server.register(async (api) => {
    api.addHook('preHandler', async (request) => {
      request.caller = await identifyCaller(deps, request, request.id);
      refuseForgery(request);
      const { principal, clientIp } = request.caller;
      const waitSeconds = principal === undefined ? deps.anonymous.count(clientIp) : undefined;
      if (waitSeconds !== undefined) throw throttled(waitSeconds);
    });
    register(api);
  });
}

/** Unsafe methods in a logged-in session need proof that our own page made them (flow-executor.md §7.3). */
export function refuseForgery(request: ApiRequest): void {
  const unsafe = !['GET', 'HEAD', 'OPTIONS', 'TRACE'].includes(request.method);
  if (unsafe && request.caller.principal?.via === 'session' && !hasCsrfProof(request)) throw csrfFailure();
}

/** An empty body with a JSON type stands for `{}` (flow-executor.md §7.4). */
function acceptEmptyJson(server: Api): void {
  server.removeContentTypeParser('text/plain');
  server.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => {
    try {
      done(null, body === '' ? {} : JSON.parse(String(body)));
    } catch {
      done(new ApiFailure(400, { detail: 'JSON parse error.' }));
    }
  });
}

function answerErrors(server: Api, deps: CoreDeps, operations: Operations): void {
  server.setNotFoundHandler((request, reply) => {
    const methods = operations.methodsFor(request.url.split('?')[0] ?? '');
    if (methods.length === 0) return reply.code(404).send({ detail: 'Not found.' });
    return reply
      .code(405)
      .header('Allow', methods.join(', '))
      .send({ detail: `Method "${request.method}" not allowed.` });
  });
  server.setErrorHandler(async (error, request, reply) => {
    const { status, body, retryAfterSeconds } = answerOf(error);
    if (retryAfterSeconds !== undefined) reply.header('Retry-After', retryAfterSeconds);
    if (status >= 500)
      deps.log.error('request failed', {
        request_id: request.id,
        path: shownPath(request),
        error: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
    if (isDataException(error))
      deps.log.warn('value refused by the database', {
        request_id: request.id,
        path: shownPath(request),
        error: error instanceof Error ? error.message : '',
      });
    return reply.code(status).send(body);
  });
}

interface ErrorAnswer {
  readonly status: number;
  readonly body: FailureBody;
  readonly retryAfterSeconds?: number;
}

const databaseGone =
  /ECONNREFUSED|ECONNRESET|ENOENT|EPIPE|Connection terminated|timeout exceeded when trying to connect|the database system is/;

/** Class 22 of SQLSTATE: the database refuses a value, which came from outside. */
function isDataException(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && typeof error.code === 'string' && /^22[0-9A-Z]{3}$/.test(error.code)
  );
}

/** Status and body of anything thrown (core.md §10.4). */
export function answerOf(error: unknown): ErrorAnswer {
  if (error instanceof ApiFailure) {
    const { status, body, retryAfterSeconds } = error;
    return { status, body, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) };
  }
  if (error instanceof InvalidInput) return { status: 400, body: error.fields };
  const text = error instanceof Error ? `${error.message} ${'code' in error ? String(error.code) : ''}` : '';
  if (databaseGone.test(text))
    return { status: 503, body: { detail: 'The database cannot be reached.' }, retryAfterSeconds: 5 };
  if (isDataException(error))
    return { status: 400, body: { non_field_errors: ['A value that was given cannot be stored or compared.'] } };
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) return { status, body: { detail: error instanceof Error ? error.message : '' } };
  return { status: 500, body: { detail: 'Internal error; its cause is in the log under the id of this request.' } };
}
