// Whether the core is there at all: a login that began while it is away would leave the browser at a dead address, so it
// gets a page instead. Nothing is asked while the control channel is open; while it is closed, a login asks for the key set
// of its provider, and the answer is believed for a moment.
import type { Clock } from '@gatehouse/daemon/async';
import type { BackChannel } from './back-channel.ts';

export interface CorePresence {
  /** State of the control channel. */
  channel(isOpen: boolean): void;
  /** @param url of its key set. @returns `false` at once while there is no doubt */
  isAway(url: string): false | Promise<boolean>;
}

const believedMs = 2_000;

export function createCorePresence(backChannel: Pick<BackChannel, 'get'>, clock: Pick<Clock, 'now'>): CorePresence {
  let isDoubtful = false;
  const asked = new Map<string, { readonly atMs: number; readonly answer: Promise<boolean> }>();
  return {
    channel(isOpen) {
      isDoubtful = !isOpen;
      asked.clear();
    },
    isAway(url) {
      if (!isDoubtful) return false;
      const { origin } = new URL(url);
      const known = asked.get(origin);
      if (known !== undefined && clock.now() - known.atMs < believedMs) return known.answer;
      const answer = backChannel.get(url, {}).then(isNoAnswer, () => true);
      asked.set(origin, { atMs: clock.now(), answer });
      return answer;
    },
  };
}

/** What a reverse proxy says in front of a core that is gone, and the core while it starts. */
function isNoAnswer({ status }: { readonly status: number }): boolean {
  return status >= 502 && status <= 504;
}
