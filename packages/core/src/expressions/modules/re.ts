// A small selection of `re`, in linear time: what needs backtracking raises an error that says so.
import { compilePattern, type Match, type Pattern } from '../../models/pattern.ts';
import { Raised } from '../faults.ts';
import { replaceAll } from '../host/functions.ts';
import { RecordObject } from '../host/record.ts';
import { callValue } from '../run/calls.ts';
import { optional, required, textAt, wholeAt } from '../run/parameters.ts';
import { str } from '../run/text.ts';
import { type Call, Dict, HostObject, List, Native, numberOf, type Step, Tuple, type Value } from '../run/values.ts';

const flagValues = {
  IGNORECASE: 2,
  I: 2,
  MULTILINE: 8,
  M: 8,
  DOTALL: 16,
  S: 16,
  ASCII: 256,
  A: 256,
  UNICODE: 32,
  U: 32,
};

function compile(text: string, flags: number): Pattern {
  const pattern = compilePattern(text.replaceAll('\\Z', '\\z'), {
    ignoreCase: (flags & 2) !== 0,
    multiline: (flags & 8) !== 0,
    dotAll: (flags & 16) !== 0,
  });
  if (pattern === undefined) throw new Raised('ValueError', `the pattern ${text} cannot be used`);
  return pattern;
}

class PatternObject extends HostObject {
  readonly typeName = 'Pattern';
  readonly pattern: Pattern;
  readonly source: string;
  constructor(source: string, flags: number) {
    super();
    this.source = source;
    this.pattern = compile(source, flags);
  }
  get(name: string): Value | undefined {
    if (name === 'pattern') return this.source;
    const method = Object.hasOwn(operations, name) ? operations[name] : undefined;
    return method === undefined ? undefined : new Native(name, (call) => method(this, call, 0));
  }
  override text(): string {
    return `re.compile('${this.source}')`;
  }
}

class MatchObject extends HostObject {
  readonly typeName = 'Match';
  readonly #match: Match;
  readonly #names: Readonly<Record<string, number>>;
  constructor(match: Match, { names }: Pattern) {
    super();
    this.#match = match;
    this.#names = names;
  }
  get(name: string): Value | undefined {
    const calls: Readonly<Record<string, (call: Call) => Value>> = {
      group: ({ args }) => {
        if (args.length <= 1) return this.item(args[0] ?? 0);
        return new Tuple(args.map((arg) => this.item(arg)));
      },
      groups: (call) =>
        new Tuple(this.#match.groups.slice(1).map((group) => group ?? optional(call, 0, 'default') ?? null)),
      groupdict: () => Dict.of(Object.entries(this.#names).map(([key, at]) => [key, this.#match.groups[at] ?? null])),
      start: () => this.#match.start,
      end: () => this.#match.end,
      span: () => new Tuple([this.#match.start, this.#match.end]),
    };
    const call = Object.hasOwn(calls, name) ? calls[name] : undefined;
    return call === undefined ? undefined : new Native(name, call);
  }
  override item(key: Value): Value {
    const at = typeof key === 'string' ? this.#names[key] : numberOf(key);
    if (at === undefined || at < 0 || at >= this.#match.groups.length) throw new Raised('IndexError', 'no such group');
    return this.#match.groups[at] ?? null;
  }
}

type Operation = (self: PatternObject, call: Call, from: number) => Value | Step<Value>;

const looking =
  (anchor: 'anywhere' | 'start' | 'whole'): Operation =>
  ({ pattern }, call, from) => {
    const text = textAt(call, from, 'string');
    call.run.budget.work(text.length * 16);
    const found = pattern.matches(text, anchor);
    return found === undefined ? null : new MatchObject(found, pattern);
  };

function* substitute({ pattern }: PatternObject, call: Call, from: number): Step<Value> {
  const by = required(call, from, 'repl');
  const text = textAt(call, from + 1, 'string');
  const most = wholeAt(call, from + 2, 'count', 0) || Number.POSITIVE_INFINITY;
  if (typeof by === 'string') {
    const expand = (groups: readonly (string | undefined)[]) =>
      by.replace(/\\(?:(\d)|g<(\w+)>)/g, (_all, digit: string | undefined, name: string | undefined) => {
        const at = digit ?? name ?? '';
        return groups[/^\d+$/.test(at) ? Number(at) : (pattern.names[at] ?? -1)] ?? '';
      });
    return replaceAll(pattern, text, expand, call, most);
  }
  let result = '';
  let at = 0;
  for (const found of allMatches(pattern, text, call).slice(0, most)) {
    result += text.slice(at, found.start) + str(yield* callValue(call.run, by, [new MatchObject(found, pattern)]));
    call.run.budget.take(result.length);
    at = found.end;
  }
  return result + text.slice(at);
}

function allMatches(pattern: Pattern, text: string, { run }: Call): Match[] {
  const found: Match[] = [];
  for (let from = 0; from <= text.length; ) {
    run.budget.work(text.length * 4);
    const match = pattern.matches(text, 'anywhere', from);
    if (match === undefined) break;
    run.budget.take(match.end - match.start + 1);
    found.push(match);
    from = match.end === match.start ? match.end + 1 : match.end;
  }
  return found;
}

const operations: Readonly<Record<string, Operation>> = {
  search: looking('anywhere'),
  match: looking('start'),
  fullmatch: looking('whole'),
  findall: ({ pattern }, call, from) =>
    new List(
      allMatches(pattern, textAt(call, from, 'string'), call).map(({ groups }) => {
        if (groups.length <= 2) return groups[groups.length - 1] ?? '';
        return new Tuple(groups.slice(1).map((group) => group ?? ''));
      }),
    ),
  split: ({ pattern }, call, from) => {
    const text = textAt(call, from, 'string');
    const parts: Value[] = [];
    let at = 0;
    for (const { start, end, groups } of allMatches(pattern, text, call)) {
      parts.push(text.slice(at, start), ...groups.slice(1).map((group) => group ?? null));
      at = end;
    }
    return new List([...parts, text.slice(at)]);
  },
  sub: substitute,
};

export function reModule(): RecordObject {
  const flagsAfter: Readonly<Record<string, number>> = {
    search: 2,
    match: 2,
    fullmatch: 2,
    findall: 2,
    split: 3,
    sub: 4,
  };
  const functions = Object.entries(operations).map(([name, operation]) => [
    name,
    new Native(name, (call) => {
      const given = required(call, 0, 'pattern');
      const flags = wholeAt(call, flagsAfter[name] ?? 2, 'flags', 0);
      const self = given instanceof PatternObject ? given : new PatternObject(textAt(call, 0, 'pattern'), flags);
      return operation(self, call, 1);
    }),
  ]);
  return new RecordObject('module', {
    ...Object.fromEntries(functions),
    ...flagValues,
    compile: new Native(
      'compile',
      (call) => new PatternObject(textAt(call, 0, 'pattern'), wholeAt(call, 1, 'flags', 0)),
    ),
    escape: new Native('escape', (call) => textAt(call, 0, 'pattern').replace(/[^\w]/g, '\\$&')),
  });
}
