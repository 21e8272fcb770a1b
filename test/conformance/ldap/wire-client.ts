// A client that speaks our own codec over a socket of its own: for what client libraries smooth over, such as response controls,
// order of answers and broken input. Its codec is tested against the vectors of other implementations (packages/wire).
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls';
import {
  type Authentication,
  type Control,
  decodeResponse,
  encodeRequest,
  type LdapMessage,
  MessageFramer,
  parseFilter,
  type RequestOp,
  type ResponseOp,
  type Scope,
  type SearchRequest,
} from '@gatehouse/wire/ldap';

export type Answer = LdapMessage<ResponseOp>;

const limits = { maxBytes: 50_000_000, maxDepth: 64, maxFilterNodes: 4_096 };

/** One connection. Answers are told apart by message id. */
export class WireClient implements Disposable {
  /** Everything received, in order. */
  readonly answers: Answer[] = [];
  readonly closed: Promise<void>;
  #socket: Socket;
  #framer = new MessageFramer();
  #nextId = 1;
  #waiting = new Set<() => void>();
  #isClosed = false;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.closed = new Promise((resolve) => {
      socket.on('close', () => {
        this.#isClosed = true;
        for (const wake of this.#waiting) wake();
        resolve();
      });
    });
    this.#listen(socket);
  }

  /** @param localAddress a loopback address to come from */
  static async plain(port: number, localAddress = '127.0.0.1'): Promise<WireClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return new WireClient(socket);
  }

  static async secure(port: number, options: ConnectionOptions = {}): Promise<WireClient> {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    return new WireClient(socket);
  }

  get tls(): TLSSocket | undefined {
    return 'getPeerCertificate' in this.#socket ? (this.#socket as TLSSocket) : undefined; // told apart just now
  }

  get socket(): Socket {
    return this.#socket;
  }

  /** Puts TLS on; the StartTLS request was answered. */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    const plain = this.#socket;
    plain.removeAllListeners('data');
    const socket = connectTls({ socket: plain, rejectUnauthorized: false, ...options });
    await new Promise<void>((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
    this.#socket = socket;
    this.#listen(socket);
  }

  /** @returns the message id */
  send(op: RequestOp, controls: readonly Control[] = []): number {
    const messageId = this.#nextId++;
    this.write(encodeRequest({ messageId, op, controls }));
    return messageId;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** All messages of one operation, the last one being its result. @throws when the connection ends first */
  async request(op: RequestOp, controls: readonly Control[] = []): Promise<readonly Answer[]> {
    return this.all(this.send(op, controls));
  }

  /** All messages with this id, once its result is there. */
  async all(messageId: number): Promise<readonly Answer[]> {
    for (;;) {
      const own = this.answers.filter((one) => one.messageId === messageId);
      const last = own.at(-1);
      if (last !== undefined && last.op.op !== 'searchResultEntry') return own;
      if (this.#isClosed) throw new Error('the connection ended before the answer');
      await this.#more();
    }
  }

  /** Result code of one operation; -1 when the connection ends before. */
  async code(op: RequestOp, controls: readonly Control[] = []): Promise<number> {
    return this.request(op, controls).then(codeOf, () => -1);
  }

  bind(name: string, password: string | Buffer): Promise<number> {
    return this.code(bindRequest(name, { kind: 'simple', password: Buffer.from(password) }));
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    socket.on('data', (chunk: Buffer) => {
      this.#framer.push(chunk);
      for (let bytes = this.#framer.next(limits.maxBytes); bytes !== undefined; ) {
        this.answers.push(decodeResponse(bytes, limits));
        bytes = this.#framer.next(limits.maxBytes);
      }
      for (const wake of this.#waiting) wake();
    });
  }

  #more(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error('no answer for 20 s')), 20_000);
      const wake = () => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      this.#waiting.add(wake);
    });
  }
}

export function bindRequest(name: string, authentication: Authentication): RequestOp {
  return { op: 'bindRequest', version: 3, name, authentication };
}

export function searchRequest(
  baseObject: string,
  filter: string,
  options: Partial<Omit<SearchRequest, 'op' | 'filter' | 'baseObject'>> & { readonly scope?: Scope } = {},
): SearchRequest {
  return {
    op: 'searchRequest',
    baseObject,
    scope: 'wholeSubtree',
    derefAliases: 0,
    sizeLimit: 0,
    timeLimit: 0,
    typesOnly: false,
    attributes: [],
    ...options,
    filter: parseFilter(filter),
  };
}

export function codeOf(answers: readonly Answer[]): number {
  const op = answers.at(-1)?.op;
  return op !== undefined && 'resultCode' in op ? op.resultCode : -1;
}

/** First RDN values of the entries, in order. */
export function namesOf(answers: readonly Answer[]): string[] {
  return answers.flatMap(({ op }) =>
    op.op === 'searchResultEntry' ? [/^[^=]+=((?:\\.|[^,])+)/.exec(op.objectName)?.[1] ?? ''] : [],
  );
}

/** Value of a response control of the result. @throws when it is not there */
export function controlValue(answers: readonly Answer[], type: string): Buffer {
  const found = answers.at(-1)?.controls.find((control) => control.type === type)?.value;
  if (found === undefined) throw new Error(`no control ${type} in the answer`);
  return found;
}

/** Values of an attribute of the first entry. */
export function valuesIn(answers: readonly Answer[], attribute: string): string[] {
  const op = answers[0]?.op;
  if (op?.op !== 'searchResultEntry') return [];
  return op.attributes.find(({ type }) => type === attribute)?.values.map(String) ?? [];
}
