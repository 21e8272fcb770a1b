// Methods of `dict` (Python library, "Mapping Types").
import { Raised } from '../faults.ts';
import type { Methods } from '../run/attributes.ts';
import { collect } from '../run/iterate.ts';
import { optional, required } from '../run/parameters.ts';
import { repr } from '../run/text.ts';
import { type Call, Dict, Iteration, List, type Step, Tuple, type Value } from '../run/values.ts';

const view = (kind: string, items: readonly Value[], { run }: Call) => {
  run.budget.take(items.length);
  return new Iteration(kind, items, items.length);
};

function* update(self: Dict, call: Call): Step<Value> {
  const given = optional(call, 0, 'other');
  const merged: [Value, Value][] = given instanceof Dict ? given.entries() : [];
  if (given !== undefined && !(given instanceof Dict))
    for (const pair of yield* collect(call.run, given)) {
      const [key, value] = pair instanceof Tuple || pair instanceof List ? pair.items : [];
      if (key === undefined || value === undefined) throw new Raised('TypeError', 'update needs pairs');
      merged.push([key, value]);
    }
  call.run.budget.take(merged.length + call.named.size);
  for (const [key, value] of merged) self.set(key, value);
  for (const [name, value] of call.named) self.set(name, value);
  return null;
}

export const dictMethods: Methods<Dict> = {
  clear(self) {
    self.clear();
    return null;
  },
  copy(self, { run }) {
    run.budget.take(self.size);
    return Dict.of(self.entries());
  },
  get(self, call) {
    const found = self.get(required(call, 0, 'key'));
    return found === undefined ? (optional(call, 1, 'default') ?? null) : found;
  },
  items: (self, call) =>
    view(
      'dict_items',
      self.entries().map((pair) => new Tuple(pair)),
      call,
    ),
  keys: (self, call) => view('dict_keys', self.keys(), call),
  pop(self, call) {
    const key = required(call, 0, 'key');
    const found = self.get(key);
    const value = found === undefined ? optional(call, 1, 'default') : found;
    if (value === undefined) throw new Raised('KeyError', repr(key));
    self.delete(key);
    return value;
  },
  popitem(self) {
    const last = self.entries().at(-1);
    if (last === undefined) throw new Raised('KeyError', "'popitem(): dictionary is empty'");
    self.delete(last[0]);
    return new Tuple(last);
  },
  setdefault(self, call) {
    const key = required(call, 0, 'key');
    const found = self.get(key);
    if (found !== undefined) return found;
    call.run.budget.take(1);
    const value = optional(call, 1, 'default') ?? null;
    self.set(key, value);
    return value;
  },
  update,
  values: (self, call) => view('dict_values', self.values(), call),
};
