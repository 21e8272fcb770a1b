// One HTTP/2 stream as a request to our own http server and its answer back: bodies at the pace of the slower side, trailers
// and early hints passed, a stream that is reset ends the request.
import { type Agent, type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { pipeline } from 'node:stream';
import { answerFields, type RequestLine, requestLine, trailerFields } from './fields.ts';

export interface Arrived {
  readonly stream: ServerHttp2Stream;
  readonly headers: IncomingHttpHeaders;
  /** Alternating names and values. */
  readonly raw: readonly string[];
}

/** @param agent leads to the http server */
export function relayStream({ stream, headers, raw }: Arrived, agent: Agent): void {
  stream.on('error', () => undefined); // its end is what matters, and is heard below
  const line = requestLine(raw, headers);
  if (line === undefined) {
    refuse(stream, 400);
    return;
  }
  const asked = ask(stream, line, agent);
  asked.on('information', ({ statusCode, rawHeaders }) => {
    if (statusCode === 103 && isOpen(stream)) stream.additionalHeaders({ ':status': 103, ...answerFields(rawHeaders) });
  });
  asked.on('response', (answer) => respond(stream, answer, line.method === 'HEAD'));
  asked.on('error', () => {
    if (stream.headersSent) stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else refuse(stream, 502);
  });
  stream.once('close', () => asked.destroy());
  if (/^100-continue$/i.test(String(headers.expect ?? ''))) stream.additionalHeaders({ ':status': 100 });
  // There before the end of the body; behind one with a length node:http sends none.
  stream.once('trailers', (trailers) => asked.addTrailers(trailerFields(trailers)));
  if (stream.endAfterHeaders) asked.end();
  else pipeline(stream, asked, () => undefined); // a failure of either side ends the other, and is heard there
}

function ask(stream: ServerHttp2Stream, { method, path, fields }: RequestLine, agent: Agent): ClientRequest {
  const hasLength = fields.some((name, at) => at % 2 === 0 && name === 'content-length');
  // node:http adds framing for the usual methods only.
  const framing = stream.endAfterHeaders || hasLength ? [] : ['Transfer-Encoding', 'chunked'];
  const none = stream.endAfterHeaders && !hasLength && !/^(?:GET|HEAD)$/.test(method) ? ['Content-Length', '0'] : [];
  return httpRequest({ agent, method, path, headers: [...fields, ...framing, ...none], setHost: false });
}

function respond(stream: ServerHttp2Stream, answer: IncomingMessage, isHead: boolean): void {
  if (!isOpen(stream)) return void answer.destroy();
  const { statusCode = 502, rawHeaders } = answer;
  const isEmpty = isHead || statusCode === 204 || statusCode === 304 || answer.headers['content-length'] === '0';
  const fields = { ':status': statusCode, ...answerFields(rawHeaders) };
  if (isEmpty) {
    stream.respond(fields, { endStream: true });
    answer.resume();
    return;
  }
  // Only what is whole gets an end: closing a stream would otherwise send one along with the reset.
  stream.respond(fields, { waitForTrailers: true });
  stream.once('wantTrailers', () => {
    if (answer.complete) stream.sendTrailers(answerFields(answer.rawTrailers));
    else stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  });
  answer.once('error', () => stream.close(constants.NGHTTP2_INTERNAL_ERROR));
  answer.pipe(stream);
}

function refuse(stream: ServerHttp2Stream, status: number): void {
  if (!isOpen(stream)) return;
  stream.respond({ ':status': status, 'content-type': 'text/plain' });
  stream.end(status === 400 ? 'bad request\n' : 'internal error\n');
}

function isOpen(stream: ServerHttp2Stream): boolean {
  return !stream.destroyed && !stream.closed && !stream.headersSent;
}
