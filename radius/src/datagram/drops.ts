// The last packets that got no answer, with their reason: what an operator asks first (`gatehouse radius drops`). Addresses
// are in it, so it is shown to this machine alone and never a metric.
import type { Clock } from '@gatehouse/daemon/async';
import type { DropReason } from '../errors.ts';

export interface Drop {
  readonly atMs: number;
  /** Canonical source address. */
  readonly client: string;
  readonly reason: DropReason;
  /** Name of the provider, where one serves this address. */
  readonly provider: string | undefined;
}

export interface Drops {
  note(client: string, reason: DropReason, provider?: string): void;
  /** Newest first. */
  latest(): readonly Drop[];
  /** One line for each, newest first; below, what to do about each reason that occurs. */
  text(): string;
}

const kept = 100;

export function createDrops(clock: Clock): Drops {
  const ring: Drop[] = [];
  let next = 0;
  const latest = () => [...ring.slice(next), ...ring.slice(0, next)].reverse();
  return {
    latest,
    note(client, reason, provider) {
      ring[next] = { atMs: clock.now(), client, reason, provider };
      next = (next + 1) % kept;
    },
    text() {
      const drops = latest();
      if (drops.length === 0) return 'Nothing was dropped since the start.\n';
      const lines = drops.map(
        ({ atMs, client, reason, provider }) =>
          `${new Date(atMs).toISOString()}  ${client.padEnd(15)}  ${reason}${provider === undefined ? '' : `  (${provider})`}`,
      );
      const reasons = [...new Set(drops.map(({ reason }) => reason))];
      return `${lines.join('\n')}\n\n${reasons.map((reason) => `${reason}: ${dropHints[reason]}`).join('\n')}\n`;
    },
  };
}

/** What to do about each. */
export const dropHints: Readonly<Record<DropReason, string>> = {
  unknown_client: 'Add the address to the client networks of a provider.',
  no_secret: 'Set a shared secret in the provider.',
  bad_authenticator: 'Shared secret mismatch? Compare it on the device and in the core.',
  bad_message_authenticator: 'Shared secret mismatch? Compare it on the device and in the core.',
  missing_message_authenticator: 'Switch Message-Authenticator on on the device; see require_message_authenticator.',
  malformed: 'Not RADIUS, or damaged on the way.',
  duplicate_in_flight: 'A repetition while the first is in work; raise the timeout of the device if there are many.',
  superseded: 'The device had given the request up before it was answered; raise its timeout.',
  overload: 'The core answers slowly, or a device repeats without pause.',
  source_budget: 'This address has as many requests in work as one may; see requests_per_source.',
  unsupported_code: 'The device sends accounting to the authentication port, or something that is no request.',
  core_unreachable: 'The core cannot be asked; see its log, and `gatehouse radius doctor`.',
  home_servers_down: 'No home server of the realm answers; see `gatehouse radius doctor`.',
  home_server_silent: 'A home server has not answered this request, or with a wrong secret; see its log.',
  proxy_loop: 'The request has been here before: two servers hand this realm to each other.',
  failure: 'A fault of ours; the log has it.',
};
