// A device that logs in as fast as it is answered: packets are signed before the clock starts, so that the load costs little
// beside the server. Every reply must be the one that is expected; one of 64 is verified in full.
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import {
  checkReply,
  createPacketKey,
  decodePacket,
  hidePassword,
  messageAuthenticator,
  packetCode,
  signRequest,
} from '@gatehouse/wire/radius';

export interface Person {
  readonly username: string;
  readonly password: string;
}

export interface Load {
  readonly port: number;
  readonly secret: string;
  readonly people: readonly Person[];
  readonly seconds: number;
  readonly sockets: number;
  /** Requests on the way at a time, for each socket; at most 128. */
  readonly inFlight: number;
  /** Requests a second in all; as many as are answered without it. */
  readonly perSecond?: number;
  /** Time between two looks at what is due, for a load that shares its core; every turn of the event loop without. */
  readonly tickMs?: number;
  /** How long answers are waited for at the end; default 300 ms. */
  readonly patienceMs?: number;
  /** How many may be needed at most. */
  readonly most: number;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly answered: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** All of the three below. */
  readonly wrong: number;
  /** Genuine answers other than an Accept. */
  readonly notAccepted: number;
  readonly forged: number;
  /** Requests without any reply. */
  readonly unanswered: number;
}

/** Identifiers of a socket go round, so a request has the one of the 256th before it. */
const identifiers = 256;

/** Signs what a run needs; takes some 5 µs a packet. */
export function signPackets({ secret, people, most, sockets }: Load): Buffer[][] {
  const key = createPacketKey(secret);
  const address = { type: 4, value: Buffer.of(192, 0, 2, 10) };
  return Array.from({ length: sockets }, () =>
    Array.from({ length: Math.ceil(most / sockets) }, (_, at) => {
      const { username, password } = people[at % people.length] ?? { username: '', password: '' };
      const authenticator = randomBytes(16);
      const hidden = hidePassword(Buffer.from(password), authenticator, key);
      const attributes = [
        messageAuthenticator,
        { type: 1, value: Buffer.from(username) },
        { type: 2, value: hidden },
        address,
      ];
      return signRequest(
        { code: packetCode.accessRequest, identifier: at % identifiers, authenticator, attributes },
        key,
      );
    }),
  );
}

interface Lane {
  readonly socket: Socket;
  readonly packets: readonly Buffer[];
  readonly sentAtMs: Float64Array;
  readonly sent: (Buffer | undefined)[];
  next: number;
}

export async function runLoad(load: Load): Promise<LoadResult> {
  const key = createPacketKey(load.secret);
  const lanes = await Promise.all(signPackets(load).map((packets) => openLane(load.port, packets)));
  const took: number[] = [];
  let [notAccepted, forged, isOver] = [0, 0, false];
  const send = (lane: Lane) => {
    const packet = lane.packets[lane.next];
    if (packet === undefined) return;
    const identifier = lane.next % identifiers;
    lane.next += 1;
    lane.sent[identifier] = packet;
    lane.sentAtMs[identifier] = performance.now();
    lane.socket.send(packet);
  };
  for (const lane of lanes)
    lane.socket.on('message', (reply) => {
      const identifier = reply[1] ?? 0;
      const packet = lane.sent[identifier];
      if (packet === undefined) return;
      lane.sent[identifier] = undefined;
      took.push(performance.now() - (lane.sentAtMs[identifier] ?? 0));
      const isAccept = reply[0] === packetCode.accessAccept;
      if ((took.length % 64 === 0 || !isAccept) && !isGenuine(reply, packet, key)) forged += 1;
      else if (!isAccept) notAccepted += 1;
      if (!isOver && load.perSecond === undefined) send(lane);
    });
  const startedMs = performance.now();
  const endMs = startedMs + load.seconds * 1000;
  if (load.perSecond === undefined) {
    for (const lane of lanes) for (let one = 0; one < load.inFlight; one++) send(lane);
    await new Promise((resolve) => setTimeout(resolve, load.seconds * 1000));
  } else await pace(lanes, { ...load, perSecond: load.perSecond, startedMs, endMs }, send);
  const tookS = (performance.now() - startedMs) / 1000;
  const answered = took.length;
  isOver = true;
  const unanswered = await settle(lanes, load.patienceMs ?? 300);
  for (const { socket } of lanes) socket.close();
  took.sort((one, other) => one - other);
  const at = (part: number) => Number((took[Math.floor(took.length * part)] ?? 0).toFixed(3));
  return {
    perSecond: answered / tookS,
    answered,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    wrong: notAccepted + forged + unanswered,
    notAccepted,
    forged,
    unanswered,
  };
}

/** Waits for what is still on the way. @returns how many requests have got no reply */
async function settle(lanes: readonly Lane[], patienceMs: number): Promise<number> {
  const waiting = () => lanes.reduce((sum, { sent }) => sum + sent.filter((one) => one !== undefined).length, 0);
  const endMs = performance.now() + patienceMs;
  while (waiting() > 0 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20));
  return waiting();
}

interface Pace extends Pick<Load, 'tickMs'> {
  readonly perSecond: number;
  readonly startedMs: number;
  readonly endMs: number;
}

/** Sends what is due at each look. */
async function pace(
  lanes: readonly Lane[],
  { perSecond, tickMs, startedMs, endMs }: Pace,
  send: (lane: Lane) => void,
): Promise<void> {
  let sent = 0;
  for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
    for (const due = ((nowMs - startedMs) / 1000) * perSecond; sent < due; sent++) {
      const lane = lanes[sent % lanes.length];
      if (lane !== undefined) send(lane);
    }
    await new Promise((resolve) => (tickMs === undefined ? setImmediate(resolve) : setTimeout(resolve, tickMs)));
  }
}

async function openLane(port: number, packets: readonly Buffer[]): Promise<Lane> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1024 * 1024 });
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return {
    socket,
    packets,
    sentAtMs: new Float64Array(identifiers),
    sent: Array.from({ length: identifiers }),
    next: 0,
  };
}

function isGenuine(reply: Buffer, packet: Buffer, key: ReturnType<typeof createPacketKey>): boolean {
  const checked = checkReply(decodePacket(reply), decodePacket(packet), key);
  return checked.authentic && checked.messageAuthenticator !== 'wrong';
}
