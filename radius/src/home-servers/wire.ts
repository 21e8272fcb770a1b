// What carries packets to a home server and back: datagrams (udp-wire.ts) or a TLS connection (tls-wire.ts). It knows where
// packets begin and end and nothing of what they say. Used by lanes.ts.

export interface Wire {
  /** False while nothing can be sent. */
  readonly isOpen: boolean;
  /** Sends again by itself what gets lost (RFC 6613 §2.6.1): nothing is to be sent twice on it. */
  readonly isReliable: boolean;
  /** Gets it open, later; nothing happens when it is, or is about to be. */
  open(): void;
  /** Only while it is open. */
  send(bytes: Buffer): void;
  /** What it has of the peer cannot be trusted any more: it is to begin anew. Datagrams stand each for itself. */
  reset(reason: string): void;
  close(): void;
}

export interface WireEvents {
  onOpen(): void;
  onPacket(bytes: Buffer): void;
  /** The peer has ended what it had answered on before. */
  onEnd(): void;
  /** It cannot be opened, or nothing is behind it. */
  onUnreachable(error: string): void;
}
