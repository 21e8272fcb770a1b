// What the lanes to an upstream have in common: what is asked for, and how the outcome is told. The fast lane
// (fast-lane.ts) takes requests without a body to plain HTTP/1.1 upstreams, the chunked lane (chunked-lane.ts) those whose
// length nobody knows, the general lane (general-lane.ts) all others.
import type { IncomingMessage } from 'node:http';
import type { GatewayError } from '@gatehouse/daemon/errors';
import type { UpstreamTarget } from '../applications/application.ts';
import type { ReadyResponse } from '../request/ready-response.ts';
import type { UpstreamHeaders } from './request-headers.ts';
import { FieldKinds } from './response-head.ts';

/** TCP probes a connection to an upstream after so much silence: one that vanished without a word is found out (WISHES P28). */
export const probeAfterMs = 60_000;

export interface Exchange {
  readonly target: UpstreamTarget;
  readonly method: string;
  /** Raw target, byte for byte. */
  readonly path: string;
  readonly headers: UpstreamHeaders;
  readonly request: IncomingMessage;
  readonly response: ReadyResponse;
  /** Trailers as the client sent them, alternating names and values → those that may go to the upstream; without it, none. */
  readonly requestTrailers?: ((raw: readonly string[]) => readonly string[]) | undefined;
  /** Added to the answer: cookies of ours. Alternating names and values. */
  readonly addedHeaders: readonly string[];
  /** The `Date` line for an upstream that sends none. */
  readonly dateLine: () => string;
  /** The head of the answer is there and about to go out. */
  readonly onHead: () => void;
  /** Bytes of the body that were handed on. */
  readonly onBody: (bytes: number) => void;
  readonly onFailed: (failure: ExchangeFailure) => void;
}

export interface ExchangeFailure {
  /** `ERR_PROXY_UPSTREAM`, or `ERR_PROXY_CLIENT_GONE` when we gave up because nobody waits any more. */
  readonly error: GatewayError;
  /**
   * `connect`: the upstream has seen nothing. `stale`: a kept connection ended before any byte of the answer.
   * `late`: no byte of the answer within the time that the lane was given. `answering`: anything later.
   */
  readonly phase: 'connect' | 'stale' | 'late' | 'answering';
}

/** What a lane does to the fields of every answer. */
export interface AnswerRules {
  readonly kinds: FieldKinds;
  /** Lines to add, each with its CRLF. @param lines what passes of the upstream's own */
  added(lines: string): string;
}

export interface Lane extends AsyncDisposable {
  /** @returns what ends the exchange because the client left */
  run(exchange: Exchange): () => void;
}

export const poweredBy = 'goauthentik.io';

/** Of the proxy (proxy.md §9.6). */
export const proxyAnswers: AnswerRules = {
  kinds: new FieldKinds(),
  added: () => `X-Powered-By: ${poweredBy}\r\n`,
};
