// `gatehouse radius test <user> [--server=127.0.0.1:1812]`: logs in like a device and prints the exchange readably. Secrets
// come from the environment only: RADIUS_SECRET and RADIUS_PASSWORD. Called by main.ts.
import { randomBytes, randomInt } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { type Address, parseAddress } from '@gatehouse/daemon/config';
import {
  checkReply,
  createPacketKey,
  decodePacket,
  hidePassword,
  messageAuthenticator,
  packetCode,
  packetCodeName,
  type RadiusPacket,
  type ReceivedPacket,
  signRequest,
} from '@gatehouse/wire/radius';
import { describeAttributes } from '../attributes/describe.ts';

export interface TestOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly print: (line: string) => void;
  /** How long an answer is waited for; default 60 s, since a person may have to confirm. */
  readonly waitMs?: number;
}

const usage = 'RADIUS_SECRET=… RADIUS_PASSWORD=… gatehouse radius test <user> [--server=127.0.0.1:1812]';

/** @returns exit code: 0 accepted, 1 refused, 2 no usable answer */
export async function testLogin({ argv, env, print, waitMs = 60_000 }: TestOptions): Promise<number> {
  const username = argv.find((one) => !one.startsWith('--'));
  const given = argv.find((one) => one.startsWith('--server='))?.slice('--server='.length) ?? '127.0.0.1:1812';
  const server = parseAddress(given);
  const [secret, password] = [env['RADIUS_SECRET'], env['RADIUS_PASSWORD']];
  if (username === undefined || server === undefined || !secret || password === undefined) {
    print(usage);
    return 2;
  }
  const key = createPacketKey(secret);
  const authenticator = randomBytes(16);
  const attributes = [
    messageAuthenticator,
    { type: 1, value: Buffer.from(username) },
    { type: 2, value: hidePassword(Buffer.from(password), authenticator, key) },
    { type: 32, value: Buffer.from('gatehouse-test') },
  ];
  const request = decodePacket(
    signRequest({ code: packetCode.accessRequest, identifier: randomInt(256), authenticator, attributes }, key),
  );
  print(`> ${describePacket(request).join('\n  ')}`);
  const startedMs = performance.now();
  const reply = await exchange(request.bytes, server, waitMs);
  if (reply === undefined) {
    print(
      `no answer from ${given}: not a client of any provider, another shared secret, or the core is away; see the log`,
    );
    return 2;
  }
  const checked = checkReply(reply, request, key);
  print(`< ${describePacket(reply).join('\n  ')}`);
  print(
    `  after ${Math.round(performance.now() - startedMs)} ms, authenticator ${checked.authentic ? 'right' : 'WRONG'}, Message-Authenticator ${checked.messageAuthenticator}`,
  );
  if (!checked.authentic || checked.messageAuthenticator === 'wrong') return 2;
  return reply.code === packetCode.accessAccept ? 0 : 1;
}

/** Name of the packet, then a line for each attribute. */
export function describePacket(packet: RadiusPacket): string[] {
  return [`${packetCodeName(packet.code)} ${packet.identifier}`, ...describeAttributes(packet.attributes)];
}

function exchange(bytes: Buffer, { host, port }: Address, waitMs: number): Promise<ReceivedPacket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    const finish = (reply: ReceivedPacket | undefined) => {
      clearTimeout(silence);
      socket.close();
      resolve(reply);
    };
    const silence = setTimeout(() => finish(undefined), waitMs);
    socket.once('error', () => finish(undefined));
    socket.once('message', (reply) => finish(parse(reply)));
    socket.send(bytes, port, host);
  });
}

function parse(bytes: Buffer): ReceivedPacket | undefined {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined; // WireError: no RADIUS server answers there
  }
}
