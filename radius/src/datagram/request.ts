// A request that was admitted, and what an operation says to it.
import type { Attribute, PacketKey, ReceivedPacket } from '@gatehouse/wire/radius';
import type { Provider } from '../clients/provider.ts';
import type { ClientSettings } from '../clients/settings.ts';
import type { DropReason, RejectReason } from '../errors.ts';

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
}

export type Answer =
  | {
      readonly kind: 'reply';
      readonly code: number;
      /** Without Message-Authenticator and Proxy-State, which reply.ts adds. */
      readonly attributes: readonly Attribute[];
      readonly reason?: RejectReason;
      readonly username?: string;
    }
  /** Its own worker has to answer. */
  | { readonly kind: 'elsewhere'; readonly username?: string }
  | { readonly kind: 'silence'; readonly reason: DropReason; readonly username?: string };

/** Answers at once where nobody has to be asked. */
export type Operation = (request: AdmittedRequest) => Answer | Promise<Answer>;
