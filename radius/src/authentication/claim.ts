// Who somebody says to be and how they prove it, whatever protocol it came by. The core is asked about it (core.ts).
import type { MsChapResponse } from '@gatehouse/wire/mschap';

export type Claim =
  /** Goes through the provider's flow. */
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  /** Unverified here: the flow of the core decides about it (radius.md §8.5). */
  | { readonly kind: 'certificate'; readonly username: string; readonly certificatePem: string }
  /** Verified here against the configured authority; the core decides about access. */
  | { readonly kind: 'local_certificate'; readonly username: string }
  /** Was let in before, by a login whose verdict is kept under this ticket, and is the same peer (RFC 9190 §2.1.3). */
  | { readonly kind: 'resumed'; readonly username: string; readonly ticket: string }
  /** Proved against a Wi-Fi secret. */
  | ({ readonly kind: 'mschapv2' } & MsChapResponse);

/** What a client certificate is worth: whom the core shall be asked about, or why not. */
export type CertificateVerdict =
  | { readonly kind: 'claim'; readonly claim: Claim }
  | { readonly kind: 'refused'; readonly reason: string };
