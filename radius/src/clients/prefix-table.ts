// Longest prefix match over any number of networks (radius.md §4.2): prefixes nest and never cross, so they cut the address
// space into stretches with one answer each, and a look-up is one binary search. 100,000 networks: about 0.3 µs.
// The plain version it is tested against is `createCidrSet` of the daemon. Called by table.ts for each new address.
import { canonicalIp } from '@gatehouse/daemon/net';

export interface Network<Value> {
  /** Address bytes, 4 or 16; bits behind the prefix are not looked at. */
  readonly bytes: Uint8Array;
  readonly prefix: number;
  readonly value: Value;
}

export interface PrefixTable<Value> {
  /** @param address canonical text; the value of the longest prefix that holds it */
  find(address: string): Value | undefined;
}

/** Of equal networks the first given wins. */
export function createPrefixTable<Value>(networks: readonly Network<Value>[]): PrefixTable<Value> {
  const four = createStretches(
    networks.filter(({ bytes }) => bytes.length === 4),
    1,
  );
  const six = createStretches(
    networks.filter(({ bytes }) => bytes.length === 16),
    4,
  );
  return {
    find(address) {
      if (!address.includes(':')) return readIPv4(address) ? four(1) : undefined;
      return readIPv6(address) ? six(4) : undefined;
    },
  };
}

/** Words of the address being looked up: a look-up runs to its end without a pause. */
const wanted = new Uint32Array(4);

/** Where each stretch begins, as words, and what holds in it. The returned function looks up `wanted`. */
function createStretches<Value>(
  networks: readonly Network<Value>[],
  width: 1 | 4,
): (words: number) => Value | undefined {
  const ranges = networks
    .map(rangeOf)
    .sort((one, other) => compare(one.first, other.first) || one.prefix - other.prefix);
  const starts: Uint32Array[] = [];
  const values: (Value | undefined)[] = [];
  const open: Range<Value>[] = [];
  const begin = (at: Uint32Array, value: Value | undefined) => {
    const isSame = starts.length > 0 && compare(starts[starts.length - 1] ?? at, at) === 0;
    if (isSame) values[values.length - 1] = value;
    else {
      starts.push(at);
      values.push(value);
    }
  };
  const closeBefore = (at: Uint32Array | undefined) => {
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      if (at !== undefined && compare(last.last, at) >= 0) return;
      open.pop();
      const after = next(last.last);
      // The one around it goes on, unless it ends here too: then its own end says what follows.
      if (after !== undefined) begin(after, open.at(-1)?.value);
    }
  };
  for (const range of ranges) {
    closeBefore(range.first);
    const around = open.at(-1);
    const isRepeated =
      around !== undefined && around.prefix === range.prefix && compare(around.first, range.first) === 0;
    if (isRepeated) continue;
    begin(range.first, range.value);
    open.push(range);
  }
  closeBefore(undefined);
  const table = new Uint32Array(starts.length * width);
  for (const [at, words] of starts.entries()) table.set(words, at * width);
  return () => {
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (isAtOrBefore(table, middle * width, width)) low = middle + 1;
      else high = middle;
    }
    return low === 0 ? undefined : values[low - 1];
  };
}

/** Whether the stretch at this place begins at or before `wanted`. */
function isAtOrBefore(table: Uint32Array, place: number, width: number): boolean {
  for (let word = 0; word < width; word++) {
    const start = table[place + word] ?? 0;
    const sought = wanted[word] ?? 0;
    if (start !== sought) return start < sought;
  }
  return true;
}

interface Range<Value> {
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  readonly prefix: number;
  readonly value: Value;
}

function rangeOf<Value>({ bytes, prefix, value }: Network<Value>): Range<Value> {
  const view = Buffer.from(bytes);
  const first = new Uint32Array(bytes.length / 4);
  const last = new Uint32Array(bytes.length / 4);
  for (let word = 0; word < first.length; word++) {
    const kept = Math.min(32, Math.max(0, prefix - word * 32));
    const mask = kept === 0 ? 0 : (0xffffffff << (32 - kept)) >>> 0;
    const given = view.readUInt32BE(word * 4);
    first[word] = (given & mask) >>> 0;
    last[word] = (given | ~mask) >>> 0;
  }
  return { first, last, prefix, value };
}

function compare(one: Uint32Array, other: Uint32Array): number {
  for (let word = 0; word < one.length; word++) {
    const difference = (one[word] ?? 0) - (other[word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** The address after this one; `undefined` behind the last. */
function next(words: Uint32Array): Uint32Array | undefined {
  const after = words.slice();
  for (let word = after.length - 1; word >= 0; word--) {
    after[word] = (after[word] ?? 0) + 1;
    if (after[word] !== 0) return after;
  }
  return undefined;
}

function readIPv4(text: string): boolean {
  let word = 0;
  let part = 0;
  let digits = 0;
  let dots = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 46) {
      if (digits === 0) return false;
      word = word * 256 + part;
      [part, digits] = [0, 0];
      dots += 1;
    } else {
      if (code < 48 || code > 57 || digits === 3) return false;
      part = part * 10 + code - 48;
      digits += 1;
      if (part > 255) return false;
    }
  }
  if (dots !== 3 || digits === 0) return false;
  wanted[0] = word * 256 + part;
  return true;
}

/** RFC 4291 §2.2: groups of hexadecimal digits with at most one `::`; a zone or a dotted tail is made canonical first. */
function readIPv6(text: string): boolean {
  if (text.includes('.') || text.includes('%')) {
    const plain = canonicalIp(text);
    return plain !== text && plain.includes(':') && readIPv6(plain);
  }
  let [count, gap, group, digits] = [0, -1, 0, 0];
  for (let at = 0; at <= text.length; at++) {
    const digit = at === text.length ? colon : hexDigit(text.charCodeAt(at));
    if (digit === undefined) return false;
    if (digit !== colon) {
      group = group * 16 + digit;
      digits += 1;
      if (digits > 4) return false;
      continue;
    }
    if (digits > 0) {
      if (count === 8) return false;
      groups[count] = group;
      count += 1;
      [group, digits] = [0, 0];
      // One colon at the very end has no group behind it.
      if (at === text.length - 1) return false;
    } else if (at < text.length) {
      // A colon without a group before it: one half of the only `::`.
      if (text.charCodeAt(at + 1) === 58 && gap === -1 && at === 0) continue;
      if (gap !== -1 || text.charCodeAt(at - 1) !== 58) return false;
      gap = count;
    }
  }
  if (gap === -1 ? count !== 8 : count > 7) return false;
  spread(count, gap);
  return true;
}

const colon = -1;
const groups = new Uint16Array(8);

function hexDigit(code: number): number | undefined {
  if (code >= 48 && code <= 57) return code - 48;
  if (code >= 97 && code <= 102) return code - 87;
  if (code >= 65 && code <= 70) return code - 55;
  return code === 58 ? colon : undefined;
}

/** Puts the groups before and behind the gap where they belong in `wanted`. */
function spread(count: number, gap: number): void {
  wanted.fill(0);
  for (let at = 0; at < count; at++) {
    const place = gap !== -1 && at >= gap ? 8 - count + at : at;
    const value = groups[at] ?? 0;
    const word = place >> 1;
    wanted[word] = (wanted[word] ?? 0) | (place % 2 === 0 ? value << 16 : value);
  }
}
