// Methods of `set` (Python library, "Set Types").
import { Raised } from '../faults.ts';
import type { Methods } from '../run/attributes.ts';
import { collect } from '../run/iterate.ts';
import { required } from '../run/parameters.ts';
import { repr } from '../run/text.ts';
import { type Call, SetValue, type Step, type Value } from '../run/values.ts';

function* other(call: Call): Step<SetValue> {
  const members: Value[] = [];
  for (const arg of call.args) members.push(...(yield* collect(call.run, arg)));
  return new SetValue(members);
}

function combine(pick: (self: SetValue, given: SetValue) => Value) {
  return function* (self: SetValue, call: Call): Step<Value> {
    call.run.budget.take(self.members.size);
    return pick(self, yield* other(call));
  };
}

export const setMethods: Methods<SetValue> = {
  add(self, call) {
    call.run.budget.take(1);
    self.members.set(required(call, 0, 'elem'), null);
    return null;
  },
  clear(self) {
    self.members.clear();
    return null;
  },
  copy: (self) => new SetValue(self.items),
  difference: combine((self, given) => new SetValue(self.items.filter((item) => !given.members.has(item)))),
  discard(self, call) {
    self.members.delete(required(call, 0, 'elem'));
    return null;
  },
  intersection: combine((self, given) => new SetValue(self.items.filter((item) => given.members.has(item)))),
  isdisjoint: combine((self, given) => !self.items.some((item) => given.members.has(item))),
  issubset: combine((self, given) => self.items.every((item) => given.members.has(item))),
  issuperset: combine((self, given) => given.items.every((item) => self.members.has(item))),
  remove(self, call) {
    const member = required(call, 0, 'elem');
    if (!self.members.delete(member)) throw new Raised('KeyError', repr(member));
    return null;
  },
  symmetric_difference: combine(
    (self, given) =>
      new SetValue([
        ...self.items.filter((item) => !given.members.has(item)),
        ...given.items.filter((item) => !self.members.has(item)),
      ]),
  ),
  union: combine((self, given) => new SetValue([...self.items, ...given.items])),
  update: combine((self, given) => {
    for (const item of given.items) self.members.set(item, null);
    return null;
  }),
};
