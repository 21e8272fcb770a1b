// Wires towards a home server. An identifier has one octet, so a wire holds 256 requests that wait; with more another one is
// opened. Whatever does not carry the right authenticators is no answer, and is counted.
import {
  type Attribute,
  checkReply,
  decodePacket,
  type PacketKey,
  packetCode,
  type ReceivedPacket,
  signRequest,
} from '@gatehouse/wire/radius';
import type { Wire, WireEvents } from './wire.ts';

export interface LaneOptions {
  readonly openWire: (events: WireEvents) => Wire;
  readonly key: PacketKey;
  readonly needsMessageAuthenticator: boolean;
  /** A packet from there that answers nothing, or with wrong authenticators. */
  readonly onForged: (reason: ForgedReason) => void;
  /** Nobody is there, as the kernel or TLS says. */
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
  /** The same octets once more, where they may have got lost. */
  repeat(): void;
  /** From now on an answer is none. */
  end(): void;
}

export interface Lanes {
  /**
   * @param onReply called at most once
   * @returns `undefined` when every identifier of every wire waits
   * @throws WireError `ERR_WIRE_TOO_LARGE`
   */
  send(request: OutgoingRequest, onReply: (reply: ReceivedPacket) => void): Waiting | undefined;
  /** Ends the connections there are; requests that wait go over new ones. */
  reset(reason: string): void;
  close(): void;
}

const identifiers = 256;
const maxWires = 64;

export function createLanes(options: LaneOptions): Lanes {
  const lanes: Lane[] = [];
  return {
    send(request, onReply) {
      let lane = lanes.find((one) => one.hasRoom);
      if (lane === undefined && lanes.length < maxWires) {
        lane = new Lane(options);
        lanes.push(lane);
      }
      return lane?.send(request, onReply);
    },
    reset(reason) {
      for (const lane of lanes) lane.reset(reason);
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
  readonly #wire: Wire;
  readonly #pending: (Pending | undefined)[] = Array.from({ length: identifiers });
  #count = 0;
  #next = 0;

  constructor(options: LaneOptions) {
    this.#options = options;
    this.#wire = options.openWire({
      onOpen: () => this.#sendAll(),
      onPacket: (bytes) => this.#receive(bytes),
      // RFC 6613 §2.6.2: what waits goes over the next connection.
      onEnd: () => this.#count > 0 && this.#wire.open(),
      onUnreachable: options.onUnreachable,
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
        const isLost = !this.#wire.isReliable || !this.#wire.isOpen;
        if (this.#pending[identifier] === pending && isLost) this.#write(bytes);
      },
      end: () => this.#end(identifier, pending),
    };
  }

  reset(reason: string): void {
    this.#wire.reset(reason);
  }

  close(): void {
    this.#wire.close();
  }

  /** Now, or with everything else that waits once the wire is open. */
  #write(bytes: Buffer): void {
    if (this.#wire.isOpen) this.#wire.send(bytes);
    else this.#wire.open();
  }

  #sendAll(): void {
    for (const one of this.#pending) if (one !== undefined) this.#wire.send(one.bytes);
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
    if (forged !== undefined) {
      this.#options.onForged(forged);
      if (forged === 'bad_authenticator') this.#wire.reset('an answer with a wrong authenticator');
    } else if (reply !== undefined && pending !== undefined) {
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
