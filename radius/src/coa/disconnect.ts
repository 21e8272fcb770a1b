// Sends Disconnect-Requests (RFC 5176): the same bytes after 2, 4 and 8 s until the device answers (radius.md B10).
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import {
  checkReply,
  decodePacket,
  firstValue,
  messageAuthenticator,
  packetCode,
  type ReceivedPacket,
  signRequest,
} from '@gatehouse/wire/radius';
import type { NasLogin } from './logins.ts';

export interface DisconnectOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly count: (type: string, result: string) => void;
}

const waitsMs = [2_000, 4_000, 8_000] as const;
const eventTimestamp = 55;
const acctSessionIdType = 44;
const errorCause = 101;

/** @returns how it ended: `ack`, `nak`, or `timeout` */
export async function disconnect(login: NasLogin, identifier: number, options: DisconnectOptions): Promise<string> {
  const { clock, log, count } = options;
  const bytes = encodeDisconnect(login, identifier, clock.now());
  const request = decodePacket(bytes);
  const socket = createSocket(isIPv6(login.client) ? 'udp6' : 'udp4');
  socket.on('error', (error) => log.debug('Disconnect not sent', { client: login.client, error: error.message }));
  const ended = new AbortController();
  let answer: ReceivedPacket | undefined;
  socket.on('message', (reply) => {
    answer ??= readAnswer(reply, request, login);
    if (answer !== undefined) ended.abort();
  });
  const signal = AbortSignal.any([options.signal, ended.signal]);
  for (const waitMs of waitsMs) {
    socket.send(bytes, login.port, login.client);
    await clock.sleep(waitMs, signal).catch(() => undefined); // an answer, or the end of the process
    if (signal.aborted) break;
  }
  socket.close();
  const result = resultOf(answer);
  count('disconnect', result);
  const cause = answer && firstValue(answer, errorCause);
  log.info('Disconnect sent', {
    client: login.client,
    result,
    ...(cause === undefined ? {} : { reason: cause.toString('hex') }),
  });
  return result;
}

function encodeDisconnect(login: NasLogin, identifier: number, nowMs: number): Buffer {
  const timestamp = Buffer.alloc(4);
  timestamp.writeUInt32BE(Math.floor(nowMs / 1000));
  const attributes = [
    messageAuthenticator,
    ...login.attributes,
    ...(login.acctSessionId === undefined ? [] : [{ type: acctSessionIdType, value: login.acctSessionId }]),
    { type: eventTimestamp, value: timestamp },
  ];
  return signRequest(
    { code: packetCode.disconnectRequest, identifier, authenticator: Buffer.alloc(16), attributes },
    login.key,
  );
}

function readAnswer(bytes: Buffer, request: ReceivedPacket, { key }: NasLogin): ReceivedPacket | undefined {
  try {
    const answer = decodePacket(bytes);
    const checked = checkReply(answer, request, key);
    const isOurs =
      answer.identifier === request.identifier && checked.authentic && checked.messageAuthenticator !== 'wrong';
    return isOurs ? answer : undefined;
  } catch {
    return undefined; // WireError: not an answer
  }
}

function resultOf(answer: ReceivedPacket | undefined): string {
  if (answer === undefined) return 'timeout';
  return answer.code === packetCode.disconnectAck ? 'ack' : 'nak';
}
