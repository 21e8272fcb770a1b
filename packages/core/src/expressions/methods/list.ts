// Methods of `list` (Python library, "Mutable Sequence Types").
import { Raised } from '../faults.ts';
import type { Methods } from '../run/attributes.ts';
import { equals } from '../run/equality.ts';
import { collect } from '../run/iterate.ts';
import { optional, required, wholeAt } from '../run/parameters.ts';
import { sortValues } from '../run/sort.ts';
import { List, type Run, type Value } from '../run/values.ts';

function placeOf(self: List, value: Value, { budget }: Run): number {
  const at = self.items.findIndex((item) => equals(item, value, budget));
  if (at === -1) throw new Raised('ValueError', 'the value is not in the list');
  return at;
}

export const listMethods: Methods<List> = {
  append(self, call) {
    call.run.budget.take(1);
    self.items.push(required(call, 0, 'object'));
    return null;
  },
  clear(self) {
    self.items.length = 0;
    return null;
  },
  copy(self, { run }) {
    run.budget.take(self.items.length);
    return new List([...self.items]);
  },
  count: (self, call) => {
    const value = required(call, 0, 'value');
    return self.items.filter((item) => equals(item, value, call.run.budget)).length;
  },
  *extend(self, call) {
    self.items.push(...(yield* collect(call.run, required(call, 0, 'iterable'))));
    return null;
  },
  index: (self, call) => placeOf(self, required(call, 0, 'value'), call.run),
  insert(self, call) {
    call.run.budget.take(1);
    self.items.splice(wholeAt(call, 0, 'index'), 0, required(call, 1, 'object'));
    return null;
  },
  pop(self, call) {
    const [value] = self.items.splice(wholeAt(call, 0, 'index', -1), 1);
    if (value === undefined) throw new Raised('IndexError', 'pop from empty list');
    return value;
  },
  remove(self, call) {
    self.items.splice(placeOf(self, required(call, 0, 'value'), call.run), 1);
    return null;
  },
  reverse(self) {
    self.items.reverse();
    return null;
  },
  *sort(self, call) {
    const sorted = yield* sortValues(call.run, self.items, optional(call, -1, 'key'), optional(call, -1, 'reverse'));
    self.items.splice(0, self.items.length, ...sorted);
    return null;
  },
};
