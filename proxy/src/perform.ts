// What is done about a request once the gateway has said it: the only file that writes to a client. Who is let in is asked of
// the Allow itself once more before anything is let through.
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@gatehouse/daemon/async';
import { type GatewayError, isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import type { AccessLog } from './access-log.ts';
import type { UpstreamTarget } from './applications/application.ts';
import { isAllow } from './authentication/verdict.ts';
import { proxyError } from './errors.ts';
import type { Gateway, Handled } from './gateway.ts';
import { type HeaderBlock, headerLines } from './identity/header-block.ts';
import { type Page, page } from './pages/page.ts';
import { cookies, type Forward } from './request/answer.ts';
import { header, type Incoming } from './request/incoming.ts';
import type { ReadyResponse } from './request/ready-response.ts';
import { openAnyTunnel } from './upstream/any-tunnel.ts';
import type { Balancer } from './upstream/balancer.ts';
import type { Forwarding } from './upstream/forwarding.ts';
import {
  requestTrailers,
  type UpstreamHeaders,
  type UpstreamRequest,
  upstreamHeaders,
  upstreamTargets,
} from './upstream/request-headers.ts';
import type { Tunnels } from './upstream/tunnels.ts';

export interface Performing {
  readonly gateway: Gateway;
  readonly forwarding: Forwarding;
  readonly balancer: Balancer;
  readonly tunnels: Tunnels;
  readonly accessLog: AccessLog;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'monotonicMs' | 'now'>;
  readonly dateLine: () => string;
}

export interface Upgrade {
  readonly socket: Duplex;
  readonly head: Buffer;
}

const badGateway = { status: 502, title: 'Bad Gateway' } as const;
/** What else an upstream can fail with. */
const failures = new Map<string, Omit<Page, 'text'>>([
  ['ERR_PROXY_NO_UPSTREAM', { status: 503, title: 'Service Unavailable', headers: ['Retry-After', '10'] }],
  ['ERR_PROXY_UPSTREAM_LATE', { status: 504, title: 'Gateway Timeout' }],
]);

/** One request under way. */
export interface Job {
  readonly with: Performing;
  readonly request: Incoming;
  readonly message: IncomingMessage;
  readonly response: ReadyResponse;
  readonly upgrade: Upgrade | undefined;
}

/** Handles the request and answers it; every fault ends here. */
export function perform(job: Job): void {
  const work = new Work(job);
  try {
    const handled = job.with.gateway.handle(job.request);
    // Answers without a question to anybody else need no promise.
    if (!(handled instanceof Promise)) work.carryOut(handled);
    else handled.then((late) => work.carryOut(late)).catch((error: unknown) => work.broken(error));
  } catch (error) {
    work.broken(error);
  }
}

class Work {
  readonly #job: Job;
  readonly #startedMs: number;
  #upstreamMs: number | undefined;
  #upstream: UpstreamTarget | undefined;

  constructor(job: Job) {
    this.#job = job;
    this.#startedMs = job.with.clock.monotonicMs();
  }

  carryOut(handled: Handled): void {
    const { answer } = handled;
    if (answer.kind === 'refused' || answer.kind === 'public') {
      this.#write(answer.status, undefined, answer.headers, answer.body);
      this.#finished(handled, Buffer.byteLength(answer.body));
      return;
    }
    if (!isAllow(answer.allow))
      throw proxyError('ERR_PROXY_WITHOUT_ALLOW', `A ${answer.kind} answer came without an Allow.`);
    if (answer.kind === 'forward') this.#forward(handled, answer);
    else {
      this.#write(200, answer.shared, answer.headers, '');
      this.#finished(handled, 0);
    }
  }

  broken(error: unknown): void {
    const { with: performing, request, response } = this.#job;
    const shown =
      error instanceof Error ? { error: error.message, stack: error.stack ?? '' } : { error: String(error) };
    performing.log.error('request failed', { request_id: request.requestId, ...shown });
    if (response.headersSent || response.destroyed) response.destroy();
    else response.writeHead(500, { 'Content-Length': 0, 'Cache-Control': 'no-store', Connection: 'close' }).end();
  }

  /** A short answer of ours, whole. @param body in Unicode */
  #write(status: number, shared: HeaderBlock | undefined, own: readonly string[], body: string): void {
    const { response, request, with: performing } = this.#job;
    if (response.destroyed) return;
    if (body === '') {
      const length = status === 204 ? '' : 'Content-Length: 0\r\n';
      const lines = `${shared?.text ?? ''}${headerLines(own)}${headerLines(request.added)}${length}${performing.dateLine()}`;
      if (response.sendWhole({ status, reason: STATUS_CODES[status] ?? '', lines }, '')) return;
    }
    const length = status === 204 ? [] : ['Content-Length', String(Buffer.byteLength(body))];
    response.writeHead(status, [...(shared?.flat ?? []), ...own, ...request.added, ...length]);
    response.end(request.method === 'HEAD' ? undefined : body);
  }

  #forward(handled: Handled, answer: Forward): void {
    const { with: performing, request, message, response, upgrade } = this.#job;
    const { application, allow, authentication } = answer;
    const { usedAuthorization, setCookie } = authentication;
    const upstream: UpstreamRequest = { request, application, allow, usedAuthorization };
    const targets = upstreamTargets(upstream);
    if (targets.length === 0) throw proxyError('ERR_PROXY_UPSTREAM', `Provider "${application.name}" has no upstream.`);
    const headers = upstreamHeaders(upstream, performing.clock.now());
    const sentMs = performing.clock.monotonicMs();
    const onHead = (target: UpstreamTarget) => {
      this.#upstreamMs = performing.clock.monotonicMs() - sentMs;
      this.#upstream = target;
    };
    let size = 0;
    let abort: () => void = () => undefined;
    response.once('close', () => {
      if (!response.writableFinished) abort();
      this.#finished(handled, size);
    });
    const { rawTarget: path, method } = request;
    if (upgrade !== undefined) {
      this.#tunnel(answer, upgrade, { targets, method, path, headers, onHead });
      return;
    }
    request.askForBody?.();
    const isChunked = message.headers['transfer-encoding'] !== undefined;
    abort = performing.forwarding.run({
      targets,
      answerMs: application.answerMs,
      method,
      path,
      headers,
      request: message,
      requestTrailers: isChunked ? (raw) => requestTrailers(upstream, headers, raw) : undefined,
      response,
      addedHeaders: [...request.added, ...cookies(setCookie === undefined ? [] : [setCookie])],
      dateLine: performing.dateLine,
      onHead,
      onBody: (bytes) => {
        size += bytes;
      },
      onFailed: ({ error }) => this.#upstreamFailed(answer, error),
    });
  }

  #tunnel(answer: Forward, upgrade: Upgrade, to: Handshake): void {
    const { with: performing, request, message, response } = this.#job;
    const { own, identity } = to.headers;
    response.detachSocket(message.socket);
    const headers = [...own, ...identity.flat];
    const { method, path, targets } = to;
    const handshake = { method, path, headers, protocol: header(request, 'upgrade'), ...upgrade };
    openAnyTunnel(performing, targets, handshake).then(
      ({ target, status }) => {
        to.onHead(target);
        if (status === 101) performing.tunnels.add(upgrade.socket, answer.allow);
        response.statusCode = status;
        upgrade.socket.once('close', () => response.emit('close'));
      },
      (error: unknown) => {
        if (!message.socket.destroyed) response.assignSocket(message.socket);
        if (isGatewayError(error)) this.#upstreamFailed(answer, error);
        else this.broken(error);
      },
    );
  }

  /** §9.9: a page while nothing was sent; superusers see the reason. After that the connection is cut (case 79). */
  #upstreamFailed({ allow, application }: Forward, error: GatewayError): void {
    const { with: performing, request, response } = this.#job;
    if (error.code === 'ERR_PROXY_CLIENT_GONE') return;
    const { code, message } = error;
    performing.log.warn('upstream failed', {
      request_id: request.requestId,
      name: application.name,
      code,
      error: message,
    });
    if (response.headersSent || response.destroyed) return void response.destroy();
    const text =
      allow.identity?.claims.akProxy.isSuperuser === true
        ? `Error proxying to upstream server: ${message}`
        : 'Failed to connect to backend.';
    const { status, headers, body } = page(request, { ...(failures.get(code) ?? badGateway), text });
    this.#write(status, undefined, headers, body);
  }

  #finished({ answer, application }: Handled, size: number): void {
    const { with: performing, request, response } = this.#job;
    performing.accessLog.finished({
      request,
      answer,
      application,
      status: response.statusCode,
      size,
      tookMs: performing.clock.monotonicMs() - this.#startedMs,
      upstreamMs: this.#upstreamMs,
      upstream: this.#upstream,
    });
  }
}

interface Handshake {
  readonly targets: readonly UpstreamTarget[];
  readonly method: string;
  readonly path: string;
  readonly headers: UpstreamHeaders;
  readonly onHead: (target: UpstreamTarget) => void;
}
