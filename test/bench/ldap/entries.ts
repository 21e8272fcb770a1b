// Entries that an LDAP server answers with, one by one, for what is not measured: copying a directory, comparing two.
import { connect } from 'node:net';
import {
  type Attribute,
  decodeResponse,
  encodeRequest,
  MessageFramer,
  type RequestOp,
  type ResponseOp,
} from '@gatehouse/wire/ldap';
import { bindOp } from './load.ts';

/** A server, and who asks it. */
export interface Access {
  readonly port: number;
  readonly name: string;
  readonly password: string;
}

export interface FoundEntry {
  readonly dn: string;
  readonly attributes: readonly Attribute[];
}

const limits = { maxBytes: 100_000_000, maxDepth: 64, maxFilterNodes: 4_096 };

/** @throws for an answer that is no success, and for a connection that ends early */
export function readEntries({ port, name, password }: Access, request: RequestOp, take: (entry: FoundEntry) => void) {
  return new Promise<void>((resolve, reject) => {
    const framer = new MessageFramer();
    const socket = connect(port, '127.0.0.1');
    const send = (messageId: number, op: RequestOp) => socket.write(encodeRequest({ messageId, op, controls: [] }));
    const ended = (op: Extract<ResponseOp, { readonly resultCode: number }>, messageId: number) => {
      if (op.resultCode !== 0) socket.destroy(new Error(`an answer had the result code ${op.resultCode}`));
      else if (messageId === 1) send(2, request);
      else socket.end(resolve);
    };
    socket.on('connect', () => send(1, bindOp(name, password)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the server has left')));
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk);
      for (let bytes = framer.next(limits.maxBytes); bytes !== undefined; bytes = framer.next(limits.maxBytes)) {
        const { messageId, op } = decodeResponse(bytes, limits);
        if (op.op === 'searchResultEntry') take({ dn: op.objectName, attributes: op.attributes });
        else if ('resultCode' in op) ended(op, messageId);
      }
    });
  });
}
