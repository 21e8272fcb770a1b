// Reads blueprint files (core.md §20.4): YAML 1.1 with merge keys; tags stay as they are until an entry is applied.
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
} from 'yaml';
import { z } from 'zod';
import { coreError } from '../errors.ts';

/** A value behind a tag, such as `!Find [..]`. */
export class Tagged {
  readonly tag: string;
  readonly value: unknown;

  constructor(tag: string, value: unknown) {
    this.tag = tag;
    this.value = value;
  }
}

const entry = z.object({
  id: z.string().nullish(),
  model: z.unknown(),
  state: z.unknown().optional(),
  conditions: z.array(z.unknown()).nullish(),
  identifiers: z.record(z.string(), z.unknown()).nullish(),
  attrs: z.record(z.string(), z.unknown()).nullish(),
  permissions: z.array(z.unknown()).nullish(),
});
/** With the line where it begins, from 1. */
export type Entry = z.infer<typeof entry> & { readonly line?: number | undefined };

const file = z.object({
  version: z.literal(1).default(1),
  metadata: z.object({ name: z.string(), labels: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  context: z.record(z.string(), z.unknown()).nullish(),
  entries: z.union([z.array(entry), z.record(z.string(), z.array(entry))]).nullish(),
});

export interface Blueprint {
  readonly name: string;
  readonly labels: Readonly<Record<string, unknown>>;
  readonly context: Readonly<Record<string, unknown>>;
  /** As it is in the file. */
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly entries: readonly Entry[];
}

const sizeLimit = 2_000_000;

/** @throws GatewayError `ERR_CORE_BLUEPRINT` for text that is no blueprint */
export function readBlueprint(text: string, name: string): Blueprint {
  if (text.length > sizeLimit) throw unreadable(name, `it is larger than ${sizeLimit} characters`);
  const lines = new LineCounter();
  const document = parseDocument(text, { version: '1.1', uniqueKeys: false, logLevel: 'silent', lineCounter: lines });
  const [problem] = document.errors;
  if (problem !== undefined) throw unreadable(name, problem.message);
  const { success, data, error } = file.safeParse(plain(document, document.contents));
  if (!success) throw unreadable(name, z.prettifyError(error).replaceAll('\n', ' '));
  const sections = data.entries ?? [];
  const entries = Array.isArray(sections) ? sections : Object.values(sections).flat();
  const starts = entryNodes(document.get('entries')).map((node) => lines.linePos(node.range?.[0] ?? 0).line);
  return {
    name: data.metadata?.name ?? name,
    labels: data.metadata?.labels ?? {},
    context: data.context ?? {},
    metadata: data.metadata ?? {},
    entries: entries.map((one, at) => ({ ...one, line: starts[at] })),
  };
}

/** The nodes of the entries, in the order in which they are applied. */
function entryNodes(entries: unknown): Node[] {
  if (isSeq(entries)) return entries.items.filter(isNode);
  return isMap(entries) ? entries.items.flatMap(({ value }) => entryNodes(value)) : [];
}

function unreadable(name: string, why: string) {
  return coreError('ERR_CORE_BLUEPRINT', `Blueprint ${name} cannot be read: ${why}.`, 'Correct the file.');
}

/** Nodes as plain values; tagged ones wrapped, aliases followed, merge keys applied. */
function plain(document: Document, node: Node | null): unknown {
  if (node === null) return null;
  if (isAlias(node)) return plain(document, node.resolve(document) ?? null);
  const value = isMap(node)
    ? plainMap(document, node)
    : isSeq(node)
      ? node.items.map((item) => plain(document, asNode(item)))
      : isScalar(node)
        ? plainScalar(node)
        : null;
  const { tag } = node;
  return typeof tag === 'string' && /^![A-Za-z]/.test(tag) ? new Tagged(tag.slice(1), value) : value;
}

/** As the usual reader of YAML 1.1 has it: a lone `y` or `n` is a letter, and times stay text. */
function plainScalar({ value, source }: Scalar): unknown {
  if (typeof value === 'boolean' && source !== undefined && /^[yn]$/i.test(source)) return source;
  return value instanceof Date ? (source ?? value.toISOString()) : value;
}

function plainMap(document: Document, node: { items: readonly { key: unknown; value: unknown }[] }) {
  const merged: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  for (const pair of node.items) {
    const key = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : String(pair.key);
    const value = plain(document, asNode(pair.value));
    if (key === '<<') for (const part of Array.isArray(value) ? value : [value]) Object.assign(merged, part);
    else own[key] = value;
  }
  return { ...merged, ...own };
}

function asNode(value: unknown): Node | null {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value) ? value : null;
}
