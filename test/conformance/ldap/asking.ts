// How the tests ask an outpost: through `ldapts`, and with octets where client libraries smooth over what matters.
import { connect } from 'node:net';
import { decodeResponse, encodeRequest, type Filter, MessageFramer, type ResponseOp } from '@gatehouse/wire/ldap';
import type { Client } from 'ldapts';
import { dnOf, password } from './fixture.ts';

/** The result code of what a client library throws; 0 for success. */
export const code = (work: Promise<unknown>): Promise<number> =>
  work.then(
    () => 0,
    (error: { code?: number }) => error.code ?? -1,
  );

type Scope = 'base' | 'one' | 'sub' | 'children';
export interface Options {
  readonly scope?: Scope;
  readonly attributes?: string[];
  readonly sizeLimit?: number;
  readonly returnAttributeValues?: boolean;
}

export async function find(client: Client, base: string, filter: string, options: Options = {}) {
  const { searchEntries } = await client.search(base, { scope: 'sub', filter, ...options });
  return searchEntries;
}
export const names = async (client: Client, base: string, filter: string, options: Options = {}) =>
  (await find(client, base, filter, options)).map(({ dn }) => dn);
export const list = (value: unknown): string[] =>
  Array.isArray(value) ? value.map(String) : value === undefined ? [] : [String(value)];

/** Sends octets, gives back everything that came until the other side closed, or nothing more came for a moment. */
export function exchange(
  port: number,
  octets: Buffer,
  options: { readonly waitMs?: number } = {},
): Promise<{ data: Buffer; closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(octets));
    const parts: Buffer[] = [];
    const finish = (closed: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ data: Buffer.concat(parts), closed });
    };
    const moment = () => setTimeout(() => finish(false), options.waitMs ?? (parts.length === 0 ? 10_000 : 1_000));
    let timer = moment();
    socket.on('data', (chunk) => {
      parts.push(chunk);
      clearTimeout(timer);
      timer = moment();
    });
    socket.on('close', () => finish(true));
    socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? finish(true) : reject(error)));
  });
}
/** Bind and search in one segment, with our own codec: for what client libraries smooth over. */
export async function rawSearch(
  port: number,
  base: string,
  filter: Filter,
  options: { sizeLimit?: number; attributes?: string[] } = {},
): Promise<ResponseOp[]> {
  const bind = encodeRequest({
    messageId: 1,
    op: {
      op: 'bindRequest',
      version: 3,
      name: dnOf('svc', base),
      authentication: { kind: 'simple', password: Buffer.from(password) },
    },
    controls: [],
  });
  const search = encodeRequest({
    messageId: 2,
    op: {
      op: 'searchRequest',
      baseObject: base,
      scope: 'wholeSubtree',
      derefAliases: 0,
      sizeLimit: options.sizeLimit ?? 0,
      timeLimit: 0,
      typesOnly: false,
      filter,
      attributes: options.attributes ?? [],
    },
    controls: [],
  });
  const framer = new MessageFramer();
  framer.push((await exchange(port, Buffer.concat([bind, search]), { waitMs: 1_500 })).data);
  const answers: ResponseOp[] = [];
  for (let bytes = framer.next(1_000_000); bytes !== undefined; bytes = framer.next(1_000_000))
    answers.push(decodeResponse(bytes, { maxBytes: 1_000_000, maxDepth: 10, maxFilterNodes: 10 }).op);
  return answers.slice(1);
}
export const codeOf = (answers: readonly ResponseOp[]) => {
  const last = answers.at(-1);
  return last !== undefined && 'resultCode' in last ? last.resultCode : -1;
};
export const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');
