// Protocol switches (router.md §12): for an application or the core; nothing of ours speaks another protocol. Keeps the open
// tunnels, so that the end of the router can end them in good order.
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '@gatehouse/daemon/async';
import type { ApplicationHandler } from '../embedded/application-handler.ts';
import { refuseSwitch } from '../endpoints/plain-answers.ts';
import { forwardedHeaders } from '../forwarding/forwarded.ts';
import type { CoreView } from '../forwarding/to-core.ts';
import { type Tunnelled, tunnel } from '../forwarding/tunnel.ts';
import type { RouterMetrics } from '../metrics.ts';
import { readPath } from '../routing/path.ts';
import { route } from '../routing/table.ts';
import type { RequestRecord } from './access-log.ts';
import { type FrontDoorSettings, isAmbiguous, isOurs, ownFields } from './exchange.ts';

export interface UpgradesOptions {
  readonly settings: () => FrontDoorSettings;
  readonly core: CoreView;
  readonly application: () => ApplicationHandler | undefined;
  readonly metrics: RouterMetrics;
  readonly clock: Clock;
}

export interface Switching {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  readonly head: Buffer;
  readonly record: RequestRecord;
}

export class Upgrades {
  readonly #options: UpgradesOptions;
  readonly #tunnels = new Set<() => void>();

  constructor(options: UpgradesOptions) {
    this.#options = options;
  }

  /** Ends WebSockets one after the other within three seconds, so that not all clients come back at once. */
  async endAll(): Promise<void> {
    const pauseMs = Math.min(10, 3_000 / Math.max(1, this.#tunnels.size));
    for (const end of Array.from(this.#tunnels)) {
      end();
      await this.#options.clock.sleep(pauseMs);
    }
  }

  /** @returns the status for the access line; `undefined` where somebody else writes it, or nothing was asked of the core */
  async take(switching: Switching, isDraining: boolean): Promise<number | undefined> {
    const { request, socket, head, record } = switching;
    const settings = this.#options.settings();
    const target = request.url ?? '/';
    const application = this.#options.application();
    if (!isOurs(target, settings) && application?.claims(record.client, target) === true) {
      application.upgrade(request, socket, head, { ...record, own: ownFields({ record, settings }) });
      return undefined;
    }
    if (!isForCore(request, settings)) {
      refuseSwitch(socket, 404, 'Not Found', record.id);
      return undefined;
    }
    const at = this.#options.core.usable();
    if (at === undefined || isDraining) {
      refuseSwitch(socket, 503, 'Service Unavailable', record.id);
      return undefined;
    }
    const outcome = await this.#tunnel(switching, at, settings);
    if (outcome.kind === 'failed') {
      this.#options.metrics.upstreamErrors.add({ kind: 'upgrade' });
      this.#options.core.missed();
      refuseSwitch(socket, 502, 'Bad Gateway', record.id);
    }
    if (outcome.kind === 'answered') return outcome.status;
    return { switched: 101, 'client-gone': 499, failed: 502 }[outcome.kind];
  }

  async #tunnel(
    { request, socket, head, record }: Switching,
    target: NonNullable<ReturnType<CoreView['usable']>>,
    settings: FrontDoorSettings,
  ): Promise<Tunnelled> {
    let ended: (() => void) | undefined;
    const count = () => this.#options.metrics.websockets.set({}, this.#tunnels.size);
    const outcome = await tunnel(request, socket, head, {
      target,
      headers: forwardedHeaders(request.rawHeaders, record.client, record.id),
      requestId: record.id,
      answerTimeoutMs: settings.answerTimeoutMs,
      onSwitched: (end) => {
        ended = end;
        this.#tunnels.add(end);
        count();
      },
    });
    if (ended !== undefined) this.#tunnels.delete(ended);
    count();
    return outcome;
  }
}

function isForCore(request: IncomingMessage, { webPath }: FrontDoorSettings): boolean {
  const reading = readPath(request.url ?? '/');
  return (
    reading.kind === 'canonical' &&
    !isAmbiguous(request) &&
    route(reading.path, { webPath, localUsages: [] }).to === 'core'
  );
}
