// What devices are asked to do with a session that runs on them (RFC 5176): end it, or change what it may. The same bytes after
// 2, 4 and 8 s until the device answers (radius.md B10). Called by session-end.ts and review.ts.
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Clock } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import {
  type Attribute,
  checkReply,
  decodePacket,
  firstValue,
  messageAuthenticator,
  packetCode,
  packetCodeName,
  type ReceivedPacket,
  signRequest,
} from '@gatehouse/wire/radius';
import type { NasLogin } from './logins.ts';

export interface DeviceOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
  readonly count: (type: string, result: string) => void;
}

export interface DeviceAnswer {
  readonly result: 'ack' | 'nak' | 'timeout';
  /** RFC 5176 §3.5; `undefined` where the device gives none. */
  readonly errorCause: number | undefined;
}

/** What an answer without which there is no session any more says (RFC 5176 §3.5). */
export const sessionContextNotFound = 503;

export interface Devices {
  disconnect(login: NasLogin): Promise<DeviceAnswer>;
  /** @param attributes all that the session shall have from now on; a device cannot be told to take one away */
  change(login: NasLogin, attributes: readonly Attribute[]): Promise<DeviceAnswer>;
}

export function createDevices(options: DeviceOptions): Devices {
  let identifier = 0;
  const next = () => {
    identifier = (identifier + 1) & 0xff;
    return identifier;
  };
  return {
    disconnect: (login) =>
      ask(login, { code: packetCode.disconnectRequest, identifier: next(), attributes: [] }, options),
    change: (login, attributes) => ask(login, { code: packetCode.coaRequest, identifier: next(), attributes }, options),
  };
}

interface Asked {
  readonly code: number;
  readonly identifier: number;
  readonly attributes: readonly Attribute[];
}

const waitsMs = [2_000, 4_000, 8_000] as const;
const eventTimestamp = 55;
const acctSessionIdType = 44;
const errorCauseType = 101;

async function ask(login: NasLogin, asked: Asked, options: DeviceOptions): Promise<DeviceAnswer> {
  const { clock, log, count } = options;
  const bytes = encode(login, asked, clock.now());
  const request = decodePacket(bytes);
  const socket = createSocket(isIPv6(login.client) ? 'udp6' : 'udp4');
  socket.on('error', (error) => log.debug('request not sent', { client: login.client, error: error.message }));
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
  const cause = answer && firstValue(answer, errorCauseType);
  const errorCause = cause?.length === 4 ? cause.readUInt32BE(0) : undefined;
  const result = resultOf(answer, asked.code);
  const isEnd = asked.code === packetCode.disconnectRequest;
  count(isEnd ? 'disconnect' : 'coa', result);
  log.info(isEnd ? 'Disconnect sent' : 'CoA sent', {
    client: login.client,
    username: login.username,
    result,
    ...(errorCause === undefined ? {} : { reason: `Error-Cause ${errorCause}` }),
    ...(isEnd || result === 'ack' ? {} : { code: packetCodeName(answer?.code ?? asked.code) }),
  });
  return { result, errorCause };
}

function encode(login: NasLogin, { code, identifier, attributes: wanted }: Asked, nowMs: number): Buffer {
  const timestamp = Buffer.alloc(4);
  timestamp.writeUInt32BE(Math.floor(nowMs / 1000));
  const attributes = [
    messageAuthenticator,
    ...login.attributes,
    ...(login.acctSessionId === undefined ? [] : [{ type: acctSessionIdType, value: login.acctSessionId }]),
    ...wanted,
    { type: eventTimestamp, value: timestamp },
  ];
  return signRequest({ code, identifier, authenticator: Buffer.alloc(16), attributes }, login.key);
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

/** RFC 5176 §3.1: the answer's code follows that of the request, and nothing else is one. */
function resultOf(answer: ReceivedPacket | undefined, asked: number): DeviceAnswer['result'] {
  if (answer === undefined) return 'timeout';
  return answer.code === asked + 1 ? 'ack' : 'nak';
}
