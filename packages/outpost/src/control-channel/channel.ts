// The control channel as one state machine: connecting → open → waiting (core-contract §5, B3, B4). HELLO every ten seconds,
// jittered back-off, a refresh after each reconnect. The reader never waits for what it triggers.
import { hostname } from 'node:os';
import { type CoreClient, controlChannelUrl } from '@gatehouse/contract/client';
import {
  type DeltaArguments,
  decodeMessage,
  deltaArguments,
  deltaSupport,
  encodeMessage,
  type HelloArguments,
  instruction,
  sessionEndArguments,
} from '@gatehouse/contract/control-channel';
import { contractVersion } from '@gatehouse/contract/versions';
import { type Clock, createBackoff } from '@gatehouse/daemon/async';
import type { Logger } from '@gatehouse/daemon/log';
import { type ControlSocket, openSocket } from './socket.ts';

const helloIntervalMs = 10_000;

export interface ChannelOptions {
  readonly client: CoreClient;
  readonly outpostPk: string;
  readonly instanceUuid: string;
  readonly buildHash: string;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** `wasAway`: the core may have said something that was not heard. */
  readonly onConnected: (wasAway: boolean) => void;
  readonly onDisconnected: (reason: string) => void;
  readonly onTriggerUpdate: () => void;
  readonly onSessionEnd: (sessionId: string) => void;
  /** Asked for in HELLO when it is there. */
  readonly onChanges?: ((changes: DeltaArguments) => void) | undefined;
}

/** Runs until the signal is aborted; closes with code 1000 then. */
export async function runControlChannel(options: ChannelOptions): Promise<void> {
  const { signal, clock, log } = options;
  const backoff = createBackoff({ baseMs: 1_000, maxMs: 60_000 });
  const lost = { sinceMs: 0, attempts: 0 };
  while (!signal.aborted) {
    try {
      await connected(options, lost.attempts, () => {
        if (lost.attempts > 0)
          log.info('control channel open again', {
            attempts: lost.attempts,
            gap_s: Math.round((clock.now() - lost.sinceMs) / 1000),
          });
        options.onConnected(lost.attempts > 0);
        lost.attempts = 0;
        backoff.reset();
      });
    } catch (error) {
      if (signal.aborted) return;
      const reason = error instanceof Error ? error.message : String(error);
      if (lost.attempts === 0) {
        lost.sinceMs = clock.now();
        log.warn('control channel closed', {
          reason,
          hint: 'changes and ended sessions arrive late until it is open again',
        });
      }
      lost.attempts += 1;
      options.onDisconnected(reason);
    }
    await clock.sleep(backoff.next(), signal).catch(() => undefined); // aborted: the loop's own condition ends it
  }
}

/** One connection from handshake to loss; rejects with the reason of the loss. */
async function connected(options: ChannelOptions, attempt: number, onOpen: () => void): Promise<void> {
  const { client, signal, clock } = options;
  const ending = new AbortController();
  const url = controlChannelUrl(client.address, options.outpostPk, options.instanceUuid, attempt);
  const socket = await openSocket(url, client, {
    onMessage: (text) => receive(options, text),
    onClose: (reason) => ending.abort(new Error(reason)),
  });
  const stop = () => socket.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    onOpen();
    await sayHello(options, socket, clock, ending.signal);
  } finally {
    signal.removeEventListener('abort', stop);
    socket.close();
  }
}

async function sayHello(
  options: ChannelOptions,
  socket: ControlSocket,
  clock: Clock,
  ending: AbortSignal,
): Promise<void> {
  const args = helloArguments(options);
  for (;;) {
    socket.send(encodeMessage({ instruction: instruction.hello, args: { ...args } }));
    await clock.sleep(helloIntervalMs, ending).catch(() => Promise.reject(ending.reason));
  }
}

function receive(options: ChannelOptions, text: string): void {
  const message = decodeMessage(text);
  if (message === undefined) {
    options.log.debug('control message ignored', { reason: 'not_a_message' });
    return;
  }
  if (message.instruction === instruction.triggerUpdate) options.onTriggerUpdate();
  if (message.instruction === instruction.sessionEnd) {
    const args = sessionEndArguments.safeParse(message.args);
    if (args.success) options.onSessionEnd(args.data.session_id);
  }
  if (message.instruction === instruction.providerSpecific) {
    const args = deltaArguments.safeParse(message.args);
    if (args.success) options.onChanges?.(args.data);
  }
}

/** Computed once (B17); our own facts are extra keys, which the core keeps (B21). */
function helloArguments(options: ChannelOptions): HelloArguments {
  return {
    version: contractVersion.replace(/\+.*$/, ''),
    buildHash: options.buildHash,
    uuid: options.instanceUuid,
    golangVersion: `node ${process.version}`,
    opensslEnabled: true,
    opensslVersion: `OpenSSL ${process.versions['openssl'] ?? ''}`,
    fipsEnabled: false,
    hostname: hostname(),
    implementation: 'gatehouse',
    ...(options.onChanges === undefined ? {} : deltaSupport),
  };
}
