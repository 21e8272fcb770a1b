// What the core's relations look like to an expression: the few calls of a query set that make sense over a list already
// loaded (core.md §16.2).
import { Raised } from '../faults.ts';
import { getAttribute } from '../run/attributes.ts';
import { equals } from '../run/equality.ts';
import { collect } from '../run/iterate.ts';
import { str } from '../run/text.ts';
import { type Call, HostObject, isTrue, List, Native, type Run, type Step, Tuple, type Value } from '../run/values.ts';

type Load = () => Promise<readonly Value[]>;

export class Rows extends HostObject {
  readonly typeName = 'QuerySet';
  readonly #load: Load;
  #items: Promise<readonly Value[]> | undefined;

  constructor(load: Load) {
    super();
    this.#load = load;
  }

  override iterate(): Promise<readonly Value[]> {
    this.#items ??= this.#load();
    return this.#items;
  }

  get(name: string): Value | undefined {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    return method === undefined ? undefined : new Native(name, (call) => method(this, call));
  }
}

type Method = (self: Rows, call: Call) => Value | Step<Value>;

const derived = (items: readonly Value[]) => new Rows(async () => items);
const all = (self: Rows, { run }: Call) => collect(run, self);

const methods: Readonly<Record<string, Method>> = {
  all: (self) => self,
  *count(self, call) {
    return (yield* all(self, call)).length;
  },
  distinct: (self) => self,
  *exclude(self, call) {
    return derived(yield* select(self, call, false));
  },
  *exists(self, call) {
    return (yield* all(self, call)).length > 0;
  },
  *filter(self, call) {
    return derived(yield* select(self, call, true));
  },
  *first(self, call) {
    return (yield* all(self, call))[0] ?? null;
  },
  *last(self, call) {
    return (yield* all(self, call)).at(-1) ?? null;
  },
  order_by: (self) => self,
  *values_list(self, call) {
    const names = call.args.map(str);
    const flat = isTrue(call.named.get('flat') ?? false);
    const rows: Value[] = [];
    for (const item of yield* all(self, call)) {
      const columns: Value[] = [];
      for (const name of names) columns.push(yield* getAttribute(call.run, item, name));
      rows.push(flat ? (columns[0] ?? null) : new Tuple(columns));
    }
    return new List(rows);
  },
};

function* select(self: Rows, { run, named, args }: Call, wanted: boolean): Step<Value[]> {
  if (args.length > 0) throw new Raised('TypeError', 'conditions are given by name');
  const kept: Value[] = [];
  for (const item of yield* collect(run, self)) {
    let holds = true;
    for (const [condition, value] of named) holds = holds && (yield* meets(run, item, condition, value));
    if (holds === wanted) kept.push(item);
  }
  return kept;
}

function* meets(run: Run, item: Value, condition: string, value: Value): Step<boolean> {
  const [name = '', ...path] = condition.split('__');
  let found = yield* getAttribute(run, item, name);
  const lookup = path.at(-1) ?? 'exact';
  for (const inner of Object.hasOwn(lookups, lookup) ? path.slice(0, -1) : path)
    found = yield* getAttribute(run, found, inner);
  const compare = Object.hasOwn(lookups, lookup) ? lookups[lookup] : undefined;
  if (compare === undefined) return equals(found, value, run.budget);
  if (lookup === 'in') return (yield* collect(run, value)).some((one) => equals(found, one, run.budget));
  return compare(str(found), str(value));
}

const lookups: Readonly<Record<string, (found: string, value: string) => boolean>> = {
  exact: (found, value) => found === value,
  iexact: (found, value) => found.toLowerCase() === value.toLowerCase(),
  contains: (found, value) => found.includes(value),
  icontains: (found, value) => found.toLowerCase().includes(value.toLowerCase()),
  startswith: (found, value) => found.startsWith(value),
  istartswith: (found, value) => found.toLowerCase().startsWith(value.toLowerCase()),
  endswith: (found, value) => found.endsWith(value),
  in: () => false,
};
