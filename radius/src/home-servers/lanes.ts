// Sockets towards one port of a home server. An identifier has one octet, so a socket holds 256 requests that wait; with more
// another socket is opened. Whatever does not carry the right authenticators is no answer, and is counted.
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Address } from '@gatehouse/daemon/config';
import {
  type Attribute,
  checkReply,
  decodePacket,
  type PacketKey,
  packetCode,
  type ReceivedPacket,
  signRequest,
} from '@gatehouse/wire/radius';

export interface LaneOptions {
  readonly to: Address;
  readonly key: PacketKey;
  readonly needsMessageAuthenticator: boolean;
  /** A datagram from there that answers nothing, or with wrong authenticators. */
  readonly onForged: (reason: ForgedReason) => void;
  /** The kernel says that nobody listens there. */
  readonly onUnreachable: (error: string) => void;
}

export type ForgedReason = 'unmatched' | 'bad_authenticator' | 'missing_message_authenticator';

export interface OutgoingRequest {
  readonly code: number;
  /** 16 bytes that nobody can guess. Accounting-Requests get their own. */
  readonly authenticator: Buffer;
  readonly attributes: readonly Attribute[];
}

export interface Waiting {
  /** The same octets once more. */
  repeat(): void;
  /** From now on an answer is none. */
  end(): void;
}

export interface Lanes {
  /**
   * @param onReply called at most once
   * @returns `undefined` when every identifier of every socket waits
   * @throws WireError `ERR_WIRE_TOO_LARGE`
   */
  send(request: OutgoingRequest, onReply: (reply: ReceivedPacket) => void): Waiting | undefined;
  close(): void;
}

const identifiers = 256;
const maxSockets = 64;

export function createLanes(options: LaneOptions): Lanes {
  const lanes: Lane[] = [];
  return {
    send(request, onReply) {
      let lane = lanes.find((one) => one.hasRoom);
      if (lane === undefined && lanes.length < maxSockets) {
        lane = new Lane(options);
        lanes.push(lane);
      }
      return lane?.send(request, onReply);
    },
    close() {
      for (const lane of lanes) lane.close();
    },
  };
}

interface Pending {
  readonly bytes: Buffer;
  readonly request: OutgoingRequest;
  readonly onReply: (reply: ReceivedPacket) => void;
}

class Lane {
  readonly #options: LaneOptions;
  readonly #socket: Socket;
  readonly #pending: (Pending | undefined)[] = Array.from({ length: identifiers });
  #count = 0;
  #next = 0;
  /** Until the socket is connected. */
  #early: Buffer[] | undefined = [];

  constructor(options: LaneOptions) {
    this.#options = options;
    const { host, port } = options.to;
    this.#socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    this.#socket.on('error', (error) => options.onUnreachable(error.message));
    this.#socket.on('message', (bytes) => this.#receive(bytes));
    // Connected: what comes from elsewhere never gets here, and a closed port is told.
    this.#socket.connect(port, host, () => {
      const early = this.#early ?? [];
      this.#early = undefined;
      for (const bytes of early) this.#write(bytes);
    });
  }

  get hasRoom(): boolean {
    return this.#count < identifiers;
  }

  send(request: OutgoingRequest, onReply: (reply: ReceivedPacket) => void): Waiting {
    // Round and round: an identifier rests as long as it can, so that a late answer does not meet its successor.
    while (this.#pending[this.#next] !== undefined) this.#next = (this.#next + 1) % identifiers;
    const identifier = this.#next;
    const bytes = signRequest({ ...request, identifier }, this.#options.key);
    const pending = { bytes, request, onReply };
    this.#next = (identifier + 1) % identifiers;
    this.#pending[identifier] = pending;
    this.#count += 1;
    this.#write(bytes);
    return {
      repeat: () => {
        if (this.#pending[identifier] === pending) this.#write(bytes);
      },
      end: () => this.#end(identifier, pending),
    };
  }

  close(): void {
    this.#socket.close();
  }

  #write(bytes: Buffer): void {
    if (this.#early !== undefined) this.#early.push(bytes);
    else this.#socket.send(bytes, (error) => error && this.#options.onUnreachable(error.message));
  }

  #end(identifier: number, pending: Pending): void {
    if (this.#pending[identifier] !== pending) return;
    this.#pending[identifier] = undefined;
    this.#count -= 1;
  }

  #receive(bytes: Buffer): void {
    const reply = parse(bytes);
    const pending = reply && this.#pending[reply.identifier];
    const forged = reply && pending ? this.#check(reply, pending) : 'unmatched';
    if (forged !== undefined) this.#options.onForged(forged);
    else if (reply !== undefined && pending !== undefined) {
      this.#end(reply.identifier, pending);
      pending.onReply(reply);
    }
  }

  /** An answer to accounting proves itself by its authenticator; servers differ in how they sign it further (radius.md §11.4). */
  #check(reply: ReceivedPacket, { bytes, request }: Pending): ForgedReason | undefined {
    const { key, needsMessageAuthenticator } = this.#options;
    const { code } = request;
    const checked = checkReply(reply, { code, authenticator: bytes.subarray(4, 20) }, key);
    if (!checked.authentic) return 'bad_authenticator';
    if (code === packetCode.accountingRequest) return undefined;
    if (checked.messageAuthenticator === 'wrong') return 'bad_authenticator';
    // RFC 5997 §4.2 asks for none in answers to Status-Server, and FreeRADIUS sends none.
    const isBare = checked.messageAuthenticator === 'absent' && code === packetCode.accessRequest;
    return isBare && needsMessageAuthenticator ? 'missing_message_authenticator' : undefined;
  }
}

function parse(bytes: Buffer): ReceivedPacket | undefined {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined; // WireError: no answer
  }
}
