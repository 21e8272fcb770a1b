// A prepared statement as pg sends it to its connection: parsed and described once by each, from then on bound and executed
// by a single write. pg's own query describes the result anew every time, in four writes, and reads the description again:
// that takes twice the processor time and, for a row by its key, three times as long. `prepared.test.ts` holds both together.
// The one file that imports pg-protocol.
import type { Connection } from 'pg';
import { serialize } from 'pg-protocol';

/** What a parameter may be; arrays become arrays of PostgreSQL. */
export type Value = string | number | boolean | Date | null | readonly (string | number)[];

type Parse = (text: string) => unknown;
/** Reads a type of PostgreSQL from its text. */
export type ParserOf = (type: number) => Parse;

interface Column {
  readonly name: string;
  readonly parse: Parse;
}

const nothing: Column = { name: '', parse: (text) => text };
const executed = serialize.execute();
const described = Buffer.concat([serialize.describe({ type: 'P' }), executed]);
const sync = serialize.sync();
/** Columns of what a connection has prepared, by the statement's name. */
const known = new WeakMap<Connection, Map<string, readonly Column[]>>();

interface Field {
  readonly name: string;
  readonly dataTypeID: number;
}

/** Submitted to a client or a pool, which then resolves to this object. */
export class PreparedQuery {
  readonly name: string;
  readonly text: string;
  readonly rows: Record<string, unknown>[] = [];
  /** Set by pg, unless it is set already. */
  callback: ((error: unknown, result?: PreparedQuery) => void) | undefined = undefined;
  readonly #values: readonly Value[];
  readonly #parserOf: ParserOf;
  #columns: readonly Column[] | undefined;
  #prepared: Map<string, readonly Column[]> | undefined;
  #failed = false;

  constructor(
    statement: { readonly name: string; readonly text: string },
    values: readonly Value[],
    parserOf: ParserOf,
  ) {
    this.name = statement.name;
    this.text = statement.text;
    this.#values = values;
    this.#parserOf = parserOf;
  }

  /** @returns what is wrong with the values, as pg asks it */
  submit(connection: Connection): Error | null {
    connection.stream.write(Buffer.concat([...this.messages(connection), sync]));
    return null;
  }

  /** All that is sent for it up to where the server is to answer. @param parsed names that the same write has parsed before */
  messages(connection: Connection, parsed?: Set<string>): readonly Buffer[] {
    this.#prepared = known.get(connection) ?? new Map();
    known.set(connection, this.#prepared);
    this.#columns = this.#prepared.get(this.name);
    const { name, text } = this;
    const bind = serialize.bind({ statement: name, values: this.#values.map(textOf) });
    if (this.#columns !== undefined) return [bind, executed];
    if (parsed?.has(name) === true) return [bind, described];
    parsed?.add(name);
    return [serialize.parse({ name, text }), bind, described];
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({ name, parse: this.#parserOf(dataTypeID) }));
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    const columns = this.#columns ?? [];
    const row: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at += 1) {
      const { name, parse } = columns[at] ?? nothing;
      const text = fields[at] ?? null;
      row[name] = text === null ? null : parse(text);
    }
    this.rows.push(row);
  }

  handleCommandComplete(): void {
    this.#prepared?.set(this.name, this.#columns ?? []);
  }

  /** Whoever is told of a failure may send the next statement at once: pg waits for the server to be ready by itself. */
  handleError(error: unknown): void {
    this.#failed = true;
    this.callback?.(error);
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.callback?.(null, this);
  }
}

/**
 * Several at once: one write, one transaction, one wait. Submitted as one of them is; when it has been answered, each holds its
 * rows. If one fails, nothing of the others stays.
 */
export class PreparedQueries {
  /** So that pg tracks nothing by it. */
  readonly name = '';
  readonly queries: readonly PreparedQuery[];
  callback: ((error: unknown, result?: PreparedQueries) => void) | undefined = undefined;
  #at = 0;
  #failed = false;

  constructor(queries: readonly PreparedQuery[]) {
    this.queries = queries;
  }

  submit(connection: Connection): Error | null {
    const parsed = new Set<string>();
    const messages = this.queries.flatMap((query) => query.messages(connection, parsed));
    connection.stream.write(Buffer.concat([...messages, sync]));
    return null;
  }

  handleRowDescription(description: { readonly fields: readonly Field[] }): void {
    this.queries[this.#at]?.handleRowDescription(description);
  }

  handleDataRow(row: { readonly fields: readonly (string | null)[] }): void {
    this.queries[this.#at]?.handleDataRow(row);
  }

  handleCommandComplete(): void {
    this.queries[this.#at]?.handleCommandComplete();
    this.#at += 1;
  }

  handleError(error: unknown): void {
    this.#failed = true;
    this.callback?.(error);
  }

  handleReadyForQuery(): void {
    if (!this.#failed) this.callback?.(null, this);
  }
}

function textOf(value: Value): string | null {
  if (value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object') return `{${value.map(elementOf).join(',')}}`;
  return String(value);
}

/** An element of an array literal (PostgreSQL, "Array Input and Output Syntax"). */
function elementOf(value: string | number): string {
  return typeof value === 'number' ? String(value) : `"${value.replace(/["\\]/g, '\\$&')}"`;
}
