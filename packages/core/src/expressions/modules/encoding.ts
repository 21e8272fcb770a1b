// Small selections of `json`, `hashlib`, `base64` and `uuid`.
import { createHash, randomUUID } from 'node:crypto';
import { Raised } from '../faults.ts';
import { RecordObject } from '../host/record.ts';
import { Converter, toPlain } from '../run/convert.ts';
import { optional, required, textAt, wholeAt } from '../run/parameters.ts';
import { Bytes, type Call, isTrue, Native, typeName, type Value } from '../run/values.ts';

const native = (name: string, call: Native['call']) => new Native(name, call);

function dataAt(call: Call, at: number): Buffer {
  const value = required(call, at, 'data');
  if (value instanceof Bytes) return value.data;
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  throw new Raised('TypeError', `a bytes-like object is required, not '${typeName(value)}'`);
}

export function jsonModule(): RecordObject {
  return new RecordObject('module', {
    loads: native('loads', (call) => {
      const value = required(call, 0, 's');
      const text = value instanceof Bytes ? value.data.toString('utf8') : textAt(call, 0, 's');
      call.run.budget.take(text.length);
      try {
        return new Converter().toValue(JSON.parse(text));
      } catch {
        throw new Raised('JSONDecodeError', 'the text is not JSON');
      }
    }),
    dumps: native('dumps', (call) => {
      const indent = optional(call, -1, 'indent') ?? null;
      const value = toPlain(required(call, 0, 'obj'));
      const sorted = isTrue(call.named.get('sort_keys') ?? false) ? sortKeys(value) : value;
      const text = indent === null ? spaced(sorted) : JSON.stringify(sorted, null, wholeAt(call, -1, 'indent'));
      call.run.budget.take(text.length);
      return text;
    }),
  });
}

/** As Python writes it: a blank after commas and colons. */
function spaced(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(spaced).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  return `{${Object.entries(value)
    .map(([key, inner]) => `${JSON.stringify(key)}: ${spaced(inner)}`)
    .join(', ')}}`;
}

function sortKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([key, inner]) => [key, sortKeys(inner)]),
  );
}

export function hashlibModule(): RecordObject {
  const digest = (algorithm: string) =>
    native(algorithm, (call) => {
      const data = call.args.length === 0 ? Buffer.alloc(0) : dataAt(call, 0);
      call.run.budget.work(data.length);
      const hash = createHash(algorithm).update(data).digest();
      return new RecordObject('hash', {
        hexdigest: native('hexdigest', () => hash.toString('hex')),
        digest: native('digest', () => new Bytes(hash)),
      });
    });
  return new RecordObject(
    'module',
    Object.fromEntries(['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'].map((name) => [name, digest(name)])),
  );
}

export function base64Module(): RecordObject {
  const encode = (encoding: 'base64' | 'base64url') => (call: Call) => {
    const text = dataAt(call, 0).toString(encoding);
    call.run.budget.take(text.length);
    return new Bytes(Buffer.from(encoding === 'base64' ? text : text + '='.repeat((4 - (text.length % 4)) % 4)));
  };
  const decode = (call: Call) => {
    const text = dataAt(call, 0).toString('latin1');
    if (!/^[\w+/=-]*$/.test(text) || text.length % 4 !== 0) throw new Raised('ValueError', 'the text is not base64');
    return new Bytes(Buffer.from(text, 'base64'));
  };
  return new RecordObject('module', {
    b64encode: native('b64encode', encode('base64')),
    b64decode: native('b64decode', decode),
    urlsafe_b64encode: native('urlsafe_b64encode', encode('base64url')),
    urlsafe_b64decode: native('urlsafe_b64decode', decode),
  });
}

export function uuidModule(): RecordObject {
  const uuid = (text: string): Value =>
    new RecordObject('UUID', { hex: text.replaceAll('-', '') }, { text, plain: text });
  return new RecordObject('module', {
    uuid4: native('uuid4', () => uuid(randomUUID())),
    UUID: native('UUID', (call) => {
      const digits = textAt(call, 0, 'hex')
        .replace(/[-{}]|urn:uuid:/g, '')
        .toLowerCase();
      if (!/^[\da-f]{32}$/.test(digits)) throw new Raised('ValueError', 'badly formed hexadecimal UUID string');
      return uuid(digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'));
    }),
  });
}
