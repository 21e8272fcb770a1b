// A load generator for LDAP: a number of connections, each with a number of requests in flight, for a time.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeRequest, parseFilter, type RequestOp, type SearchRequest } from '@gatehouse/wire/ldap';

export interface Load {
  readonly port: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly seconds: number;
  /** Bound once, before the measured requests. */
  readonly bind?: { readonly name: string; readonly password: string };
  readonly request: (at: number) => RequestOp;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly entries: number;
}

export const bindOp = (name: string, password: string): RequestOp => ({
  op: 'bindRequest',
  version: 3,
  name,
  authentication: { kind: 'simple', password: Buffer.from(password) },
});

export const searchOp = (base: string, filter: string, attributes: readonly string[] = []): SearchRequest => ({
  op: 'searchRequest',
  baseObject: base,
  scope: 'wholeSubtree',
  derefAliases: 0,
  sizeLimit: 0,
  timeLimit: 0,
  typesOnly: false,
  filter: parseFilter(filter),
  attributes,
});

/** Every answer must be success. @throws for any other, and for a connection that ends */
export async function runLoad(load: Load): Promise<LoadResult> {
  const run: Run = { times: [], entries: 0, endMs: performance.now() + load.seconds * 1000 };
  const requests = new Requests(load.request);
  const runs = Array.from({ length: load.connections }, (_, at) => runConnection(load, at, requests, run));
  const startedMs = performance.now();
  await Promise.all(runs);
  const tookS = (performance.now() - startedMs) / 1000;
  const { times, entries } = run;
  times.sort((one, other) => one - other);
  const at = (share: number) => times[Math.floor(times.length * share)] ?? 0;
  return { perSecond: times.length / tookS, p50Ms: at(0.5), p99Ms: at(0.99), entries };
}

export interface Journey {
  readonly port: number;
  readonly secure: boolean;
  /** Journeys at a time. */
  readonly parallel: number;
  readonly seconds: number;
  readonly bind: { readonly name: string; readonly password: string };
  readonly search: (at: number) => RequestOp;
}

/** Connect, bind, search, unbind, over and over. @returns journeys per second */
export async function runJourneys(journey: Journey): Promise<number> {
  const endMs = performance.now() + journey.seconds * 1000;
  let made = 0;
  const traveller = async () => {
    while (performance.now() < endMs) {
      await travel(journey, made);
      made += 1;
    }
  };
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: journey.parallel }, traveller));
  return made / ((performance.now() - startedMs) / 1000);
}

function travel({ port, secure, bind, search }: Journey, at: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const messages = new Messages();
    const socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    const send = (messageId: number, op: RequestOp) => socket.write(encodeRequest({ messageId, op, controls: [] }));
    socket.on(secure ? 'secureConnect' : 'connect', () => send(1, bindOp(bind.name, bind.password)));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    const take = (bytes: Buffer, start: number) => {
      const operation = operationAt(bytes, start);
      if (bytes[operation] === entryTag) return;
      if (resultCodeAt(bytes, operation) !== 0) socket.destroy(new Error('an answer was no success'));
      else if (messageIdOf(bytes, start) === 1) send(2, search(at));
      else {
        send(3, { op: 'unbindRequest' });
        socket.end();
      }
    };
    socket.on('data', (chunk: Buffer) => messages.read(chunk, take));
  });
}

const entryTag = 0x64;

/** Message ids of two octets, so that they can be put into requests that are encoded already. */
const firstId = 0x4000;
const ids = 0x4000;
/** Requests are encoded once, so that the load takes less than what it is put on. */
const mostDistinct = 10_000;

class Requests {
  readonly #make: (at: number) => RequestOp;
  readonly #made: Buffer[] = [];

  constructor(make: (at: number) => RequestOp) {
    this.#make = make;
  }

  message(at: number, messageId: number): Buffer {
    const place = at % mostDistinct;
    this.#made[place] ??= encodeRequest({ messageId: firstId, op: this.#make(place), controls: [] });
    const bytes = Buffer.from(this.#made[place]);
    bytes.writeUInt16BE(messageId, operationAt(bytes, 0) - 2);
    return bytes;
  }
}

function runConnection(load: Load, number: number, requests: Requests, run: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    const messages = new Messages();
    const started = new Float64Array(ids);
    let next = 0;
    let open = 0;
    let ready: Buffer[] = [];
    const more = () => {
      if (performance.now() >= run.endMs) return;
      next = (next + 1) % ids;
      open += 1;
      started[next] = performance.now();
      ready.push(requests.message(number * 7919 + next, firstId + next));
    };
    const flush = () => {
      if (ready.length > 0) socket.write(ready.length === 1 ? (ready[0] ?? '') : Buffer.concat(ready));
      ready = [];
    };
    const begin = () => {
      for (let at = 0; at < load.inFlight; at += 1) more();
      flush();
    };
    const socket = connect(load.port, '127.0.0.1', () => {
      if (load.bind === undefined) begin();
      else socket.write(encodeRequest({ messageId: 1, op: bindOp(load.bind.name, load.bind.password), controls: [] }));
    });
    socket.setNoDelay(true);
    socket.on('error', reject);
    const take = (bytes: Buffer, start: number) => {
      const at = operationAt(bytes, start);
      if (bytes[at] === entryTag) {
        run.entries += 1;
        return;
      }
      const id = messageIdOf(bytes, start);
      const code = resultCodeAt(bytes, at);
      if (code !== 0) socket.destroy(new Error(`an answer had the result code ${code}`));
      else if (id === 1) begin();
      else {
        run.times.push(performance.now() - (started[id - firstId] ?? 0));
        open -= 1;
        more();
      }
    };
    socket.on('data', (chunk) => {
      messages.read(chunk, take);
      flush();
      if (open > 0 || performance.now() < run.endMs) return;
      socket.end();
      resolve();
    });
  });
}

interface Run {
  readonly times: number[];
  entries: number;
  endMs: number;
}

/** Whole messages in what has come of a stream, looked at where they lie: a load must cost less than what it is put on. */
class Messages {
  #held: Buffer = Buffer.alloc(0);

  /** @param take gets octets and where in them a message begins */
  read(chunk: Buffer, take: (bytes: Buffer, start: number) => void): void {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    let start = 0;
    for (let end = endOf(bytes, start); end <= bytes.length; end = endOf(bytes, start)) {
      take(bytes, start);
      start = end;
    }
    this.#held = bytes.subarray(start);
  }
}

/** Where the element at `start` ends; behind all octets while its length is not there. */
function endOf(bytes: Buffer, start: number): number {
  const first = bytes[start + 1] ?? 0xff;
  if (first < 0x80) return start + 2 + first;
  const octets = first & 0x7f;
  if (start + 2 + octets > bytes.length) return Number.POSITIVE_INFINITY;
  return start + 2 + octets + bytes.readUIntBE(start + 2, octets);
}

/** Where the contents of the element at `start` begin. */
function contents(bytes: Buffer, start: number): number {
  const first = bytes[start + 1] ?? 0;
  return start + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

/** Where the operation of the message at `start` begins, behind its id. */
function operationAt(bytes: Buffer, start: number): number {
  return endOf(bytes, contents(bytes, start));
}

function messageIdOf(bytes: Buffer, start: number): number {
  const at = contents(bytes, start);
  return bytes.readUIntBE(at + 2, bytes[at + 1] ?? 0);
}

/** Of an operation that is no entry. */
function resultCodeAt(bytes: Buffer, operation: number): number {
  return bytes[contents(bytes, operation) + 2] ?? -1;
}
