// What holds for one client: the settings of the daemon, refined by the entries of the policy file that match its provider
// and address (radius.md B05). Computed when an address is first seen, never per packet.

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
  readonly coaPort: number;
  /** Calling-Station-Id is the user's address where it is one (B17). */
  readonly trustCallingStation: boolean;
  /** User-Name in the Accept of an EAP login (RFC 3579 §3). */
  readonly replyUserName: boolean;
}
