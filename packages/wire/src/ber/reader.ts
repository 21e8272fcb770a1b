// Reading definite-length BER (X.690 §8; RFC 4511 §5.1). A cursor over one buffer: every element is checked against its
// parent before anything is read from it, so no length on the wire causes an allocation or a read outside.
import { malformed, tooLarge } from '../errors.ts';

export class BerReader {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get done(): boolean {
    return this.#at >= this.#end;
  }

  /** Tag of the next element, or -1 at the end; not consumed. */
  peekTag(): number {
    return this.#at < this.#end ? this.#bytes.readUInt8(this.#at) : -1;
  }

  /** Enters the next element, which must have this tag; the cursor moves behind it. */
  enter(tag: number): BerReader {
    const length = this.#header(tag);
    const start = this.#at;
    this.#at += length;
    return new BerReader(this.#bytes, start, this.#at);
  }

  /** Contents of the next element as a view on the buffer. */
  octets(tag = 0x04): Buffer {
    const length = this.#header(tag);
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  text(tag = 0x04): string {
    const length = this.#header(tag);
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  /** INTEGER or ENUMERATED of at most four octets: everything in LDAP fits. */
  integer(tag = 0x02): number {
    const length = this.#header(tag);
    if (length === 0 || length > 4) throw malformed(`integer of ${length} octets`);
    this.#at += length;
    return this.#bytes.readIntBE(this.#at - length, length);
  }

  boolean(tag = 0x01): boolean {
    const length = this.#header(tag);
    if (length !== 1) throw malformed(`boolean of ${length} octets`);
    this.#at += 1;
    return this.#bytes[this.#at - 1] !== 0;
  }

  null(tag: number): void {
    if (this.octets(tag).length !== 0) throw malformed('NULL with contents');
  }

  /** Skips the next element, whatever it is. */
  skip(): void {
    this.octets(this.peekTag());
  }

  /** Nothing may follow. */
  end(): void {
    if (!this.done) throw malformed('trailing octets inside an element');
  }

  /** Moves behind tag and length of the next element, and returns its length. */
  #header(tag: number): number {
    if (this.#at >= this.#end) throw malformed(`element 0x${tag.toString(16)} is missing`);
    const found = this.#bytes[this.#at] ?? -1;
    if (found !== tag) throw malformed(`element 0x${found.toString(16)} where 0x${tag.toString(16)} belongs`);
    if ((tag & 0x1f) === 0x1f) throw malformed('tag of several octets');
    if (this.#at + 1 >= this.#end) throw malformed('length is missing');
    const first = this.#bytes[this.#at + 1] ?? 0;
    this.#at += 2;
    const length = first < 0x80 ? first : this.#longLength(first & 0x7f);
    if (length > this.#end - this.#at) throw malformed('element runs past its parent');
    return length;
  }

  #longLength(octets: number): number {
    if (octets === 0) throw malformed('indefinite length');
    if (octets > 4) throw malformed(`length of ${octets} octets`);
    if (this.#at + octets > this.#end) throw malformed('length is cut off');
    this.#at += octets;
    return this.#bytes.readUIntBE(this.#at - octets, octets);
  }
}

/**
 * Size in bytes of the first element of a stream, tag and length included.
 * @param bytes may end anywhere
 * @returns `undefined` while more bytes are needed to know
 * @throws WireError when the first octets cannot begin an element with this tag, or it is larger than `maxBytes`
 */
export function frameSize(bytes: Buffer, tag: number, maxBytes: number): number | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.readUInt8(0) !== tag) throw malformed(`stream starts with 0x${bytes.readUInt8(0).toString(16)}`);
  if (bytes.length === 1) return undefined;
  const first = bytes.readUInt8(1);
  const octets = first < 0x80 ? 0 : first & 0x7f;
  if (first === 0x80) throw malformed('indefinite length');
  if (octets > 4) throw malformed(`length of ${octets} octets`);
  if (bytes.length < 2 + octets) return undefined;
  const size = 2 + octets + (octets === 0 ? first : bytes.readUIntBE(2, octets));
  if (size > maxBytes) throw tooLarge(`message of ${size} bytes, at most ${maxBytes} are accepted`);
  return size;
}
