// What is the same of an entry whatever provider shows it, as the PartialAttributes that are sent (RFC 4511 §4.5.2): encoded
// once, when the row comes, and copied into each answer. First what goes out with `*`, then what is asked for by name.
import { headerSize, octetString, writeHeader } from '@gatehouse/wire/ber';
import type { AttributeType } from './attribute-types.ts';
import { grown } from './columns.ts';
import type { EntryAttribute } from './entry.ts';
import { type Shape, Shapes } from './shapes.ts';
import { Slabs } from './slabs.ts';

const shapes = new Shapes();
const scratch = { bytes: Buffer.allocUnsafeSlow(16_384) };
const names = new Map<AttributeType, Buffer>();
const emptyValues: readonly string[] = [];

export class Records {
  readonly #slabs = new Slabs();
  #shape = new Uint32Array(64);
  #starLength = new Uint32Array(64);

  /** @returns false when it says the same already */
  put(row: number, withStar: readonly EntryAttribute[], byName: readonly EntryAttribute[]): boolean {
    let shape = shapes.empty;
    let at = 0;
    for (const attribute of withStar) {
      at = writeAttribute(at, attribute);
      shape = shape.with(attribute.type, attribute.values.length > 0);
    }
    const starLength = at;
    for (const attribute of byName) {
      at = writeAttribute(at, attribute);
      shape = shape.with(attribute.type, attribute.values.length > 0);
    }
    const changed = this.#slabs.put(row, scratch.bytes, at);
    this.#shape = grown(this.#shape, row + 1);
    this.#starLength = grown(this.#starLength, row + 1);
    this.#shape[row] = shape.id;
    this.#starLength[row] = starLength;
    return changed;
  }

  remove(row: number): void {
    this.#slabs.remove(row);
  }

  has(row: number): boolean {
    return this.#slabs.has(row);
  }

  shapeOf(row: number): Shape {
    return shapes.at(this.#shape[row] ?? 0);
  }

  /** The octets of the record: from `start`, of which the first `starLength` go out with `*`. */
  bytes(row: number): Buffer {
    return this.#slabs.bytes(row);
  }

  start(row: number): number {
    return this.#slabs.start(row);
  }

  starLength(row: number): number {
    return this.#starLength[row] ?? 0;
  }

  /** Where the attribute at a place of the shape begins. Linear in the place. */
  attributeAt(row: number, place: number): number {
    const bytes = this.bytes(row);
    let at = this.start(row);
    for (let passed = 0; passed < place; passed += 1) at = endOf(bytes, at);
    return at;
  }

  values(row: number, type: AttributeType): readonly string[] {
    const shape = this.shapeOf(row);
    const place = shape.placeOf(type);
    if (place === -1 || shape.filled[place] !== true) return emptyValues;
    return valuesAt(this.bytes(row), this.attributeAt(row, place));
  }

  /** The first value; `undefined` without one. */
  firstValue(row: number, type: AttributeType): string | undefined {
    const shape = this.shapeOf(row);
    const place = shape.placeOf(type);
    if (place === -1 || shape.filled[place] !== true) return undefined;
    const bytes = this.bytes(row);
    const at = contents(bytes, skip(bytes, contents(bytes, this.attributeAt(row, place))));
    return bytes.toString('utf8', contents(bytes, at), endOf(bytes, at));
  }

  attributes(row: number): EntryAttribute[] {
    return this.shapeOf(row).types.map((type) => ({ type, values: this.values(row, type) }));
  }

  get allocatedBytes(): number {
    return this.#slabs.allocatedBytes;
  }
}

function writeAttribute(start: number, { type, values }: EntryAttribute): number {
  const name = encodedName(type);
  let setLength = 0;
  for (const value of values) {
    const length = Buffer.byteLength(value, 'utf8');
    setLength += headerSize(length) + length;
  }
  const length = name.length + headerSize(setLength) + setLength;
  reserve(start + headerSize(length) + length);
  const { bytes } = scratch;
  let at = writeHeader(bytes, start, 0x30, length);
  at += name.copy(bytes, at);
  at = writeHeader(bytes, at, 0x31, setLength);
  for (const value of values) {
    at = writeHeader(bytes, at, 0x04, Buffer.byteLength(value, 'utf8'));
    at += bytes.write(value, at, 'utf8');
  }
  return at;
}

/** The name of a type as an element. */
export function encodedName(type: AttributeType): Buffer {
  const known = names.get(type);
  if (known !== undefined) return known;
  const made = octetString(type.name);
  names.set(type, made);
  return made;
}

function reserve(size: number): void {
  if (scratch.bytes.length >= size) return;
  const larger = Buffer.allocUnsafeSlow(size * 2);
  scratch.bytes.copy(larger);
  scratch.bytes = larger;
}

/** Our own encoding is read here, so nothing is checked. Where the contents of the element at `at` begin. */
export function contents(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

/** Where the element at `at` ends. */
export function endOf(bytes: Buffer, at: number): number {
  const first = bytes[at + 1] ?? 0;
  if (first < 0x80) return at + 2 + first;
  const octets = first & 0x7f;
  let length = 0;
  for (let place = 0; place < octets; place += 1) length = length * 256 + (bytes[at + 2 + place] ?? 0);
  return at + 2 + octets + length;
}

const skip = endOf;

function valuesAt(bytes: Buffer, attribute: number): string[] {
  const values: string[] = [];
  const set = skip(bytes, contents(bytes, attribute));
  const end = endOf(bytes, set);
  for (let at = contents(bytes, set); at < end; at = endOf(bytes, at))
    values.push(bytes.toString('utf8', contents(bytes, at), endOf(bytes, at)));
  return values;
}
