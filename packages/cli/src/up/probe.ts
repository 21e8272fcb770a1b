// Proves that the directory works before anybody is told so: one bind over the wire.
import { connect } from 'node:net';
import type { Address } from '@gatehouse/daemon/config';
import { decodeResponse, encodeRequest, MessageFramer, resultCodeName } from '@gatehouse/wire/ldap';
import { cliError } from '../errors.ts';

const maxBytes = 65_536;
const attemptMs = 5_000;

export interface ProbeOptions {
  readonly address: Address;
  readonly name: string;
  readonly password: string;
  /** Until when to try again while the server is not ready. */
  readonly deadlineMs: number;
}

/** Resolves with the first success. @throws GatewayError `ERR_CLI_PROBE_FAILED` with the last answer */
export async function probeBind({ address, name, password, deadlineMs }: ProbeOptions): Promise<void> {
  const endMs = Date.now() + deadlineMs;
  let last = 'no answer';
  while (Date.now() < endMs) {
    last = await bindOnce(address, name, password).catch((error: Error) => error.message);
    if (last === 'success') return;
    await new Promise((again) => setTimeout(again, 50));
  }
  throw cliError(
    'ERR_CLI_PROBE_FAILED',
    `A bind as ${name} failed: ${last}.`,
    'The log lines of ldap and core say why.',
  );
}

/** Name of the result code. */
function bindOnce({ host, port }: Address, name: string, password: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const framer = new MessageFramer();
    const socket = connect({ host, port });
    socket.setTimeout(attemptMs, () => socket.destroy(new Error('no answer in time')));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the connection was closed')));
    socket.on('connect', () => {
      const authentication = { kind: 'simple', password: Buffer.from(password) } as const;
      socket.write(
        encodeRequest({ messageId: 1, op: { op: 'bindRequest', version: 3, name, authentication }, controls: [] }),
      );
    });
    socket.on('data', (chunk) => {
      framer.push(chunk);
      const bytes = framer.next(maxBytes);
      if (bytes === undefined) return;
      const { op } = decodeResponse(bytes, { maxBytes, maxDepth: 8, maxFilterNodes: 8 });
      resolve('resultCode' in op ? resultCodeName(op.resultCode) : op.op);
      socket.end(encodeRequest({ messageId: 2, op: { op: 'unbindRequest' }, controls: [] }));
    });
  });
}
