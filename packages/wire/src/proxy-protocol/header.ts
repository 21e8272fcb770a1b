// What a PROXY protocol header says, in either version (HAProxy "The PROXY protocol", 2020-03-05, §2), and what a
// reader may find at the front of a byte stream.

/** One end of the proxied connection; `address` is canonical text (RFC 5952), never a mapped or zoned form. */
export interface ProxyEndpoint {
  readonly address: string;
  readonly port: number;
}

/** A type-length-value of version 2 (§2.2.1 ff.), kept as it came. */
export interface ProxyTlv {
  readonly type: number;
  readonly value: Uint8Array;
}

/**
 * `local`: keep the socket's own address (v2 LOCAL, v1 UNKNOWN, v2 families without an IP address).
 * `proxy`: the connection was made by `source` to `destination`.
 */
export type ProxyHeader =
  | { readonly command: 'local' }
  | {
      readonly command: 'proxy';
      readonly source: ProxyEndpoint;
      readonly destination: ProxyEndpoint;
      readonly tlvs: readonly ProxyTlv[];
    };

/**
 * Result of looking at the front of a stream. `incomplete`: could still become a header, read more. `absent`: the bytes
 * are something else and belong to the next protocol. `malformed`: began as a header, so the connection must end.
 * `header.length`: bytes used; the next protocol starts there.
 */
export type ProxyDecoded =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'malformed'; readonly reason: string }
  | { readonly kind: 'header'; readonly version: 1 | 2; readonly header: ProxyHeader; readonly length: number };
