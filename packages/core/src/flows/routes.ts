// `/api/v3/flows/executor/<slug>/` (flow-executor.md §9). Everything that goes wrong inside is still 200 with a challenge
// that says so, as clients of the contract expect; a header names the kind (Beyond F25).
import { cookiesOf, csrfFailure, hasCsrfProof, identifyCaller } from '../api/authentication.ts';
import { presentedCertificate } from '../api/client-certificate.ts';
import { ApiFailure } from '../api/failure.ts';
import type { ApiReply, ApiRequest } from '../api/request.ts';
import { type Api, answerOf } from '../api/server.ts';
import { isSecure, saveSession, setCookie } from '../api/session-cookies.ts';
import { createTurns } from '../api/turns.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { challengeAnswerShape, challengeShape } from './answers.ts';
import { executeFlow, type FlowAnswer } from './executor.ts';
import { planNameFor } from './plan.ts';
import type { FlowRequest } from './request.ts';
import { flowBySlug } from './stored.ts';

export function registerFlowRoutes(server: Api, deps: CoreDeps): void {
  const path = '/api/v3/flows/executor/:slug/';
  // Bad JSON is the executor's to report, so bodies arrive here unparsed.
  void server.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    const inTurn = createTurns({ elsewhere: () => deps.passwords.waiting });
    const step = (request: ApiRequest, reply: ApiReply) => inTurn(() => execute(deps, request, reply));
    const operation = { open: true, answer: challengeShape };
    scope.get(path, { config: { operation: { ...operation, summary: 'The stage in front' } } }, step);
    const answering = { ...operation, summary: 'An answer to it', body: challengeAnswerShape };
    scope.post(path, { config: { operation: answering } }, step);
  });
}

async function execute(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const { params } = request;
  const slug: unknown = typeof params === 'object' && params !== null ? Reflect.get(params, 'slug') : '';
  const flow = await flowBySlug(deps, String(slug));
  if (flow === undefined) {
    return reply
      .code(404)
      .type('text/html')
      .send('<!doctype html><title>Not found</title><h1>There is no such flow.</h1>');
  }
  reply.header('X-Frame-Options', 'SAMEORIGIN').header('Cache-Control', 'no-store');
  try {
    const planName = planNameFor(pageQueryOf(request).get('next'));
    request.caller = await identifyCaller(deps, request, request.id, planName);
    const visitor = flowRequestOf(deps, request);
    const before = visitor.session;
    const answer = readAnswer(request);
    const outcome = await executeFlow(deps, flow, visitor, answer);
    const loggedIn = visitor.session !== before && visitor.session.userPk !== undefined;
    const isLook = answer === undefined && visitor.session === before && showsStage(outcome);
    const saved = saveSession(deps, request, reply, visitor.session, { loggedIn, isLook });
    await Promise.all([saved, ...visitor.notes.map((store) => store())]); // in one moment, so that they share a write
    for (const cookie of visitor.setCookies) setCookie(deps, request, reply, cookie);
    if (outcome.kind === 'again') return reply.code(302).header('Location', request.originalUrl).send();
    return reply.code(200).send(outcome.challenge);
  } catch (error) {
    if (answerOf(error).status === 503) throw error; // trouble of ours is never a flow's answer
    return flowError(deps, request, reply, error);
  }
}

/** Nothing was passed: the same stage is in front as before. */
function showsStage(outcome: FlowAnswer): boolean {
  return outcome.kind === 'challenge' && outcome.challenge.component !== 'xak-flow-redirect';
}

function readAnswer(request: ApiRequest): Readonly<Record<string, unknown>> | undefined {
  if (request.method !== 'POST') return undefined;
  if (request.caller.principal?.via === 'session' && !hasCsrfProof(request)) throw csrfFailure();
  const text = typeof request.body === 'string' ? request.body : '';
  if (text === '') return {};
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(type))
    throw new ApiFailure(415, { detail: `Unsupported media type "${type}" in request.` });
  return parseObject(text);
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  const parsed: unknown = JSON.parse(text);
  if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) return { ...parsed };
  throw new ApiFailure(400, { detail: 'An answer is a JSON object.' });
}

/** The query string of the visitor's page, which comes as a parameter (flow-executor.md §2.2). */
function pageQueryOf({ url }: ApiRequest): URLSearchParams {
  const at = url.indexOf('?');
  const outer = new URLSearchParams(at === -1 ? '' : url.slice(at + 1));
  return new URLSearchParams(outer.get('query') ?? '');
}

/** The visitor's request as stages and policies see it; `identifyCaller` has run. */
export function flowRequestOf(deps: CoreDeps, request: ApiRequest): FlowRequest {
  const { caller } = request;
  return {
    requestId: request.id,
    clientIp: caller.clientIp,
    userAgent: request.headers['user-agent'] ?? '',
    host: request.headers.host ?? '',
    secure: isSecure(request),
    query: pageQueryOf(request),
    cookies: cookiesOf(request),
    user: caller.principal?.user,
    pending: caller.session?.account,
    userIsSuperuser: caller.principal?.isSuperuser ?? false,
    outpost: caller.outpost === undefined ? undefined : { username: caller.outpost },
    clientCertificate: () => presentedCertificate(deps, request.raw, caller.outpost),
    session: caller.session ?? deps.sessions.create(),
    setCookies: [],
    notes: [],
  };
}

async function flowError(deps: CoreDeps, request: ApiRequest, reply: ApiReply, error: unknown) {
  const expected = error instanceof ApiFailure || error instanceof SyntaxError;
  const text = error instanceof Error ? error.message : String(error);
  if (!expected) {
    deps.log.error('flow failed', {
      request_id: request.id,
      error: error instanceof Error ? (error.stack ?? text) : text,
    });
    await recordEvent(deps, { action: 'system_exception', app: 'authentik.flows', context: { message: text } });
  }
  const kind = error instanceof SyntaxError ? 'parse' : error instanceof ApiFailure ? 'request' : 'stage';
  const detailed = request.caller?.principal?.isSuperuser === true;
  return reply
    .code(200)
    .header('X-authentik-flow-error', kind)
    .send({
      component: 'ak-stage-flow-error',
      request_id: request.id,
      ...(detailed ? { error: text, traceback: error instanceof Error ? (error.stack ?? '') : '' } : {}),
    });
}
