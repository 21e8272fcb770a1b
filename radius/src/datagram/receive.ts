// From a datagram to an answer: admission (admit.ts), then its operation (serve.ts), and the count of what is in work. Called for
// each datagram, and for each packet of a RadSec stream.
import { canonicalIp } from '@gatehouse/daemon/net';
import type { SourceBudget } from '../clients/budget.ts';
import { type AdmissionOptions, admit } from './admit.ts';
import type { Sender } from './duplicates.ts';
import { type ServingOptions, serve } from './serve.ts';

export interface ReceiverOptions extends AdmissionOptions, ServingOptions {
  readonly budget: SourceBudget;
}

export interface Receiver {
  /**
   * @param reply called at most once, later; not called at all for what is dropped
   * @param listener which it came to; `undefined` for what a sibling has handed on
   */
  receive(bytes: Buffer, from: Sender, reply: (bytes: Buffer) => void, listener: number | undefined): void;
  /** From now on nothing is taken; resolves when everything in work has ended. */
  drain(): Promise<void>;
}

export function createReceiver(options: ReceiverOptions): Receiver {
  const inWork = new Set<Promise<void>>();
  const { budget } = options;
  let isDraining = false;
  return {
    receive(bytes, from, reply, listener) {
      if (isDraining) return;
      const address = canonicalIp(from.address);
      const isSpent = budget.isSpent(address);
      // As it came: a socket of IPv6 cannot send to an IPv4 address in its canonical form.
      const handOn = (to: number) => options.share?.handOn(to, bytes, from, listener ?? 0);
      const ways = { send: reply, handOn };
      const admitted = admit(options, bytes, { address, port: from.port, isSpent, listener }, ways);
      if (admitted === undefined) return;
      const serving = serve(options, admitted, ways);
      if (serving === undefined) return;
      budget.begin(address);
      const work = serving.finally(() => {
        inWork.delete(work);
        budget.end(address);
      });
      inWork.add(work);
    },
    async drain() {
      isDraining = true;
      await Promise.all(inWork);
    },
  };
}
