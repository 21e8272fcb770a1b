// A request that was admitted, and what an operation says to it.
import type { Attribute, PacketKey, ReceivedPacket } from '@gatehouse/wire/radius';
import type { Provider } from '../clients/provider.ts';
import type { ClientSettings } from '../clients/settings.ts';
import type { DropReason, RejectReason } from '../errors.ts';
import type { DuplicateEntry } from './kept-request.ts';

export interface AdmittedRequest {
  readonly packet: ReceivedPacket;
  readonly provider: Provider;
  readonly key: PacketKey;
  /** Canonical source address. */
  readonly client: string;
  readonly settings: ClientSettings;
  /** Which port it came to; Status-Server is answered by it. */
  readonly port: 'authentication' | 'accounting';
  /** The worker that it belongs to where that is not this one: answered here only if nobody has to be asked. */
  readonly owner: number | undefined;
  /** The device sends it again while it is in work. */
  readonly repetitions: Pick<DuplicateEntry, 'whenRepeated'>;
}

export type Answer = (Reply | Elsewhere | Silence) & Via;

/** For the log: who asked, and where it was decided if not here. */
interface Via {
  readonly username?: string;
  readonly realm?: string;
  readonly homeServer?: string;
}

interface Reply {
  readonly kind: 'reply';
  readonly code: number;
  /** Without Message-Authenticator and Proxy-State, which reply.ts adds. */
  readonly attributes: readonly Attribute[];
  readonly reason?: RejectReason;
}

/** Its own worker has to answer. */
interface Elsewhere {
  readonly kind: 'elsewhere';
}

interface Silence {
  readonly kind: 'silence';
  readonly reason: DropReason;
}

/** Answers at once where nobody has to be asked. */
export type Operation = (request: AdmittedRequest) => Answer | Promise<Answer>;

/** Where an answer goes, or a request that another worker has to answer. */
export interface Ways {
  readonly send: (bytes: Buffer) => void;
  readonly handOn: (to: number) => void;
}
