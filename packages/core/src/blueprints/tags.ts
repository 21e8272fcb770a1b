// What the tags of blueprints mean (core.md §20.4). Resolved lazily, where an entry is applied, at any depth.
import { readFile } from 'node:fs/promises';
import { deepMerge, isMapping } from '../models/merge.ts';
import { Tagged } from './read.ts';

export interface Scope {
  readonly name: string;
  readonly context: Readonly<Record<string, unknown>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Key of the object of an earlier entry. */
  keyOf(id: string): unknown;
  find(model: string, lookups: readonly (readonly [string, unknown])[]): Promise<unknown>;
  findObject(model: string, lookups: readonly (readonly [string, unknown])[]): Promise<unknown>;
}

/** Innermost enumeration first. */
type Loops = readonly { readonly index: unknown; readonly value: unknown }[];

/** Stands for a loop while what it goes through is looked for. */
const ownLoop = { index: undefined, value: undefined };

export function resolve(scope: Scope, value: unknown, loops: Loops = []): Promise<unknown> {
  return new Resolver(scope).resolve(value, loops);
}

class Resolver {
  readonly #scope: Scope;
  readonly #open = new Set<string>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  async resolve(value: unknown, loops: Loops): Promise<unknown> {
    if (value instanceof Tagged) return this.#tag(value, loops);
    if (Array.isArray(value)) return this.#all(value, loops);
    if (!isMapping(value)) return value;
    const result: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) result[key] = await this.resolve(inner, loops);
    return result;
  }

  async #all(values: readonly unknown[], loops: Loops): Promise<unknown[]> {
    const results: unknown[] = [];
    for (const value of values) results.push(await this.resolve(value, loops));
    return results;
  }

  async #tag({ tag, value }: Tagged, loops: Loops): Promise<unknown> {
    switch (tag) {
      case 'KeyOf':
        return this.#scope.keyOf(String(value));
      case 'Find':
      case 'FindObject':
        return this.#find(tag, value, loops);
      case 'Context':
        return this.#withDefault(value, loops, (name) => this.#context(name, loops));
      case 'Env':
        return this.#withDefault(value, loops, async (name) => this.#scope.env[name] || undefined);
      case 'File':
        return this.#withDefault(value, loops, (path) =>
          readFile(path, 'utf8').then(
            (text) => text.trim(),
            () => undefined,
          ),
        );
      case 'Format':
        return this.#format(value, loops);
      case 'If':
        return this.#choose(value, loops);
      case 'Condition':
        return this.#condition(value, loops);
      case 'Enumerate':
        return this.#enumerate(value, loops);
      case 'Index':
        return this.#loop(value, loops).index;
      case 'Value':
        return this.#loop(value, loops).value;
      case 'AtIndex':
        return this.#atIndex(value, loops);
      case 'ParseJSON':
        return this.#parseJson(await this.resolve(value, loops));
      default:
        throw this.#fault(`the tag !${tag} is unknown`);
    }
  }

  /** A value of the context may itself be a tag, but not one that leads back to it. */
  async #context(name: string, loops: Loops): Promise<unknown> {
    if (this.#open.has(name)) throw this.#fault(`!Context ${name} leads back to itself`);
    this.#open.add(name);
    const value = await this.resolve(this.#scope.context[name], loops);
    this.#open.delete(name);
    return value;
  }

  async #find(tag: 'Find' | 'FindObject', value: unknown, loops: Loops): Promise<unknown> {
    const [model, ...pairs] = listOf(value);
    const lookups: [string, unknown][] = [];
    for (const pair of pairs) {
      const [name, wanted] = listOf(pair);
      lookups.push([String(await this.resolve(name, loops)), await this.resolve(wanted, loops)]);
    }
    const id = String(await this.resolve(model, loops));
    return tag === 'Find' ? this.#scope.find(id, lookups) : this.#scope.findObject(id, lookups);
  }

  async #withDefault(value: unknown, loops: Loops, read: (name: string) => Promise<unknown>): Promise<unknown> {
    const [name, fallback] = Array.isArray(value) ? value : [value];
    const found = await read(String(await this.resolve(name, loops)));
    return found === undefined ? ((await this.resolve(fallback, loops)) ?? null) : found;
  }

  async #format(value: unknown, loops: Loops): Promise<string> {
    const [pattern, ...args] = await this.#all(listOf(value), loops);
    let used = 0;
    const text = String(pattern).replace(
      /%([-0+ ]*)(\d+)?(?:\.(\d+))?([%sdirfxXo])/g,
      (_all, flags, width, digits, verb) => {
        if (verb === '%') return '%';
        const arg = args[used];
        used += 1;
        return padded(formatted(verb, arg, digits), flags, Number(width ?? 0));
      },
    );
    if (used !== args.length)
      throw this.#fault(`!Format "${String(pattern)}" takes ${used} values, not ${args.length}`);
    return text;
  }

  async #choose(value: unknown, loops: Loops): Promise<unknown> {
    const [condition, whenTrue, whenFalse] = listOf(value);
    const holds = isTruthy(await this.resolve(condition, loops));
    if (listOf(value).length === 1) return holds;
    return this.resolve(holds ? whenTrue : whenFalse, loops);
  }

  async #condition(value: unknown, loops: Loops): Promise<boolean> {
    const [mode, ...rest] = await this.#all(listOf(value), loops);
    if (rest.length === 0) throw this.#fault('!Condition needs values');
    const truths = rest.map(isTruthy);
    const every = truths.every(Boolean);
    const some = truths.some(Boolean);
    const odd = truths.filter(Boolean).length % 2 === 1;
    const results: Record<string, boolean> = { AND: every, NAND: !every, OR: some, NOR: !some, XOR: odd, XNOR: !odd };
    const result = results[String(mode)];
    if (result === undefined) throw this.#fault(`!Condition does not know ${String(mode)}`);
    return result;
  }

  async #enumerate(value: unknown, loops: Loops): Promise<unknown> {
    const [source, mode, body] = listOf(value);
    const items = await this.resolve(source, [ownLoop, ...loops]);
    const pairs: [unknown, unknown][] =
      typeof items === 'string' || Array.isArray(items)
        ? [...items].map((item, index) => [index, item])
        : isMapping(items)
          ? Object.entries(items)
          : [];
    if (pairs.length === 0 && typeof items !== 'string' && !Array.isArray(items) && !isMapping(items))
      throw this.#fault(`!Enumerate cannot go through ${JSON.stringify(items)}`);
    const results: unknown[] = [];
    for (const [index, item] of pairs) results.push(await this.resolve(body, [{ index, value: item }, ...loops]));
    if (mode === 'SEQ') return results;
    if (mode !== 'MAP') throw this.#fault(`!Enumerate makes SEQ or MAP, not ${String(mode)}`);
    return results.reduce<Record<string, unknown>>((merged, result) => {
      const part = Array.isArray(result) && result.length === 2 ? { [String(result[0])]: result[1] } : result;
      if (!isMapping(part)) throw this.#fault('the body of !Enumerate MAP is neither a pair nor a mapping');
      return deepMerge(merged, part);
    }, {});
  }

  #loop(depth: unknown, loops: Loops) {
    const loop = loops[Number(depth ?? 0)];
    if (loop === ownLoop) throw this.#fault('what !Enumerate goes through cannot be a value of its own');
    if (loop === undefined) throw this.#fault(`there is no !Enumerate around this at depth ${String(depth)}`);
    return loop;
  }

  async #atIndex(value: unknown, loops: Loops): Promise<unknown> {
    const parts = listOf(value);
    const [collection, index] = await this.#all(parts.slice(0, 2), loops);
    const isList = Array.isArray(collection);
    if (!isList && !isMapping(collection)) throw this.#fault('!AtIndex needs a list or a mapping');
    if (isList && !Number.isInteger(index))
      throw this.#fault(`!AtIndex needs a number for a list, not ${String(index)}`);
    const found: unknown = isList ? collection.at(Number(index)) : collection[String(index)];
    if (found !== undefined) return found;
    if (parts.length > 2) return this.resolve(parts[2], loops);
    throw this.#fault(`!AtIndex finds nothing at ${String(index)}`);
  }

  #parseJson(text: unknown): unknown {
    try {
      return JSON.parse(String(text));
    } catch {
      throw this.#fault('!ParseJSON got malformed JSON');
    }
  }

  #fault(what: string) {
    return new Error(what);
  }
}

/** One value in the way of printf. */
function formatted(verb: string, value: unknown, digits: string | undefined): string {
  if (verb === 'd' || verb === 'i') return String(Math.trunc(Number(value)));
  if (verb === 'f') return Number(value).toFixed(Number(digits ?? 6));
  if (verb === 'x') return Number(value).toString(16);
  if (verb === 'X') return Number(value).toString(16).toUpperCase();
  if (verb === 'o') return Number(value).toString(8);
  const names: Readonly<Record<string, string>> = { null: 'None', true: 'True', false: 'False' };
  const text = names[String(value ?? null)] ?? (typeof value === 'object' ? JSON.stringify(value) : String(value));
  return digits === undefined ? text : text.slice(0, Number(digits));
}

function padded(text: string, flags: string, width: number): string {
  if (flags.includes('-')) return text.padEnd(width);
  return text.padStart(width, flags.includes('0') ? '0' : ' ');
}

export function isTruthy(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return isMapping(value) ? Object.keys(value).length > 0 : Boolean(value);
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
