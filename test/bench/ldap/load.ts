// A load generator for LDAP: a number of connections, each with a number of requests in flight, for a time.
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { encodeRequest, MessageFramer, parseFilter, type RequestOp, type SearchRequest } from '@gatehouse/wire/ldap';

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
    const framer = new MessageFramer();
    const socket = secure
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connect(port, '127.0.0.1');
    const send = (messageId: number, op: RequestOp) => socket.write(encodeRequest({ messageId, op, controls: [] }));
    socket.on(secure ? 'secureConnect' : 'connect', () => send(1, bindOp(bind.name, bind.password)));
    socket.on('error', reject);
    socket.on('close', () => resolve());
    socket.on('data', (chunk: Buffer) => {
      framer.push(chunk);
      for (let message = framer.next(10_000_000); message !== undefined; message = framer.next(10_000_000)) {
        const { id, tag, at: place } = headOf(message);
        if (tag === entryTag) continue;
        if ((message[message.indexOf(0x0a, place) + 2] ?? -1) !== 0)
          socket.destroy(new Error('an answer was no success'));
        else if (id === 1) send(2, search(at));
        else {
          send(3, { op: 'unbindRequest' });
          socket.end();
        }
      }
    });
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
    bytes.writeUInt16BE(messageId, headOf(bytes).at - 2);
    return bytes;
  }
}

function runConnection(load: Load, number: number, requests: Requests, run: Run): Promise<void> {
  return new Promise((resolve, reject) => {
    const framer = new MessageFramer();
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
    socket.on('data', (chunk) => {
      framer.push(chunk);
      for (let message = framer.next(10_000_000); message !== undefined; message = framer.next(10_000_000)) {
        const { id, tag, at } = headOf(message);
        if (tag === entryTag) {
          run.entries += 1;
          continue;
        }
        const code = message[message.indexOf(0x0a, at) + 2] ?? -1;
        if (code !== 0) socket.destroy(new Error(`an answer had the result code ${code}`));
        else if (id === 1) begin();
        else {
          run.times.push(performance.now() - (started[id - firstId] ?? 0));
          open -= 1;
          more();
        }
      }
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

/** Message id, tag of the operation, and where the operation begins. */
function headOf(message: Buffer): { readonly id: number; readonly tag: number; readonly at: number } {
  const lengthOctets = (message[1] ?? 0) < 128 ? 1 : 1 + ((message[1] ?? 0) & 0x7f);
  const idAt = 1 + lengthOctets;
  const size = message[idAt + 1] ?? 0;
  const at = idAt + 2 + size;
  return { id: message.readUIntBE(idAt + 2, size), tag: message[at] ?? 0, at };
}
