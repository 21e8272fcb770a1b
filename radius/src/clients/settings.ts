// What holds for one client: the settings of the daemon, refined by the entries of the policy file that match its provider
// and address (radius.md B05). Computed when an address is first seen, never per packet.

/** A day is long enough to walk through a house, and short enough to prove again who one is (RFC 9190 §2.1.2: a week). */
export const maxEapResumptionMs = 86_400_000;

/** Of a session that runs: nothing is told, a CoA-Request is sent, or where that fails a Disconnect-Request. */
export const coaChanges = ['nothing', 'change', 'change_or_disconnect'] as const;

export interface ClientSettings {
  readonly requireMessageAuthenticator: 'no' | 'auto' | 'yes';
  readonly limitProxyState: boolean;
  readonly onCoreFailure: 'drop' | 'reject';
  readonly requireAttributes: boolean;
  /** Names in the order in which they are offered. */
  readonly eapMethods: readonly string[];
  /** The device understands Access-Challenge (B18). */
  readonly challenge: boolean;
  /** Disconnect-Requests are sent to it. */
  readonly coa: boolean;
  /** What it is told when the attributes of a running session would be others now; only with `coa`. */
  readonly coaOnChange: (typeof coaChanges)[number];
  readonly coaPort: number;
  /** Calling-Station-Id is the user's address where it is one (B17). */
  readonly trustCallingStation: boolean;
  /** How long an EAP login may be resumed without proving it again; 0 for never. */
  readonly eapResumptionMs: number;
  /** User-Name in the Accept of an EAP login (RFC 3579 §3). */
  readonly replyUserName: boolean;
}
