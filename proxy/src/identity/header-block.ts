// Header fields that are the same for many messages: as a flat list, and as the text that goes on the wire, made once.
// Identity headers are such a block; there is one per session.

export interface HeaderBlock {
  /** Alternating names and values, legal as they are. */
  readonly flat: readonly string[];
  /** The same as lines, each with its CRLF; latin1. */
  readonly text: string;
}

/** @param flat legal names, and values without CR, LF and NUL: from the parser, or through `fieldValue` */
export function headerBlock(flat: readonly string[]): HeaderBlock {
  return new LazyBlock(flat);
}

/** Lines of a flat list. */
export function headerLines(flat: readonly string[]): string {
  let text = '';
  for (let at = 0; at + 1 < flat.length; at += 2) text += `${flat[at]}: ${flat[at + 1]}\r\n`;
  return text;
}

/** Back from lines to a flat list. @param lines legal ones, such as {@link headerLines} makes */
export function flatOf(lines: string): string[] {
  const flat: string[] = [];
  for (const line of lines.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) flat.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return flat;
}

export function pairsOf(flat: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < flat.length; at += 2) pairs.push([flat[at] ?? '', flat[at + 1] ?? '']);
  return pairs;
}

class LazyBlock implements HeaderBlock {
  readonly flat: readonly string[];
  #text: string | undefined;

  constructor(flat: readonly string[]) {
    this.flat = flat;
  }

  get text(): string {
    // Through bytes, so that it is one string and not a tree of sixty pieces that every write walks through anew.
    this.#text ??= Buffer.from(headerLines(this.flat), 'latin1').toString('latin1');
    return this.#text;
  }
}
