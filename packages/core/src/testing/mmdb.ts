// Writes small MaxMind databases (MaxMind DB format 2.0), so that tests say themselves what is where.

type Value = string | number | boolean | { readonly [name: string]: Value } | readonly Value[];

/** @param entries records by network in CIDR notation, IPv4 only */
export function writeMmdb(type: string, entries: Readonly<Record<string, Value>>): Buffer {
  const data: Buffer[] = [];
  let dataLength = 0;
  const nodes: (number | { readonly offset: number } | undefined)[][] = [[undefined, undefined]];
  for (const [network, record] of Object.entries(entries)) {
    const [address = '', length = '32'] = network.split('/');
    const value = address.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    let node = 0;
    for (let depth = 0; depth < Number(length); depth += 1) {
      const bit = Number((value >> BigInt(31 - depth)) & 1n);
      const isLast = depth === Number(length) - 1;
      const next = nodes[node]?.[bit];
      if (isLast) nodes[node]?.splice(bit, 1, { offset: dataLength });
      else if (typeof next === 'number') node = next;
      else {
        nodes[node]?.splice(bit, 1, nodes.length);
        node = nodes.length;
        nodes.push([undefined, undefined]);
      }
    }
    const bytes = encode(record);
    data.push(bytes);
    dataLength += bytes.length;
  }
  const count = nodes.length;
  const tree = nodes.flatMap((pair) =>
    pair.map((to) => uint(to === undefined ? count : typeof to === 'number' ? to : count + 16 + to.offset, 3)),
  );
  const metadata = encode({
    node_count: count,
    record_size: 24,
    ip_version: 4,
    database_type: type,
    languages: ['en'],
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_700_000_000,
    description: { en: 'of the tests' },
  });
  const marker = Buffer.concat([Buffer.from([0xab, 0xcd, 0xef]), Buffer.from('MaxMind.com')]);
  return Buffer.concat([...tree, Buffer.alloc(16), ...data, marker, metadata]);
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') return field(2, Buffer.byteLength(value), Buffer.from(value));
  if (typeof value === 'boolean') return field(14, value ? 1 : 0);
  if (typeof value === 'number') return encodeNumber(value);
  if (Array.isArray(value)) return field(11, value.length, ...value.map(encode));
  const pairs = Object.entries(value);
  return field(7, pairs.length, ...pairs.flatMap(([name, inner]) => [encode(name), encode(inner)]));
}

function encodeNumber(value: number): Buffer {
  if (Number.isInteger(value) && value >= 0) return field(6, 4, uint(value, 4));
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(value);
  return field(3, 8, bytes);
}

/** Types beyond 7 are extended ones: their number stands in the byte behind. */
function field(type: number, size: number, ...content: readonly Buffer[]): Buffer {
  const [low, more] = size < 29 ? [size, []] : [29, [size - 29]];
  const head = type > 7 ? [low, type - 7, ...more] : [(type << 5) | low, ...more];
  return Buffer.concat([Buffer.from(head), ...content]);
}

function uint(value: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUIntBE(value, 0, length);
  return bytes;
}
