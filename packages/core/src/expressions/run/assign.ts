// Assignment to names, attributes, items, and several of them at once (Python reference §7.2).
import { Raised } from '../faults.ts';
import type { Expression } from '../source/syntax.ts';
import { evaluate } from './evaluate.ts';
import { collect } from './iterate.ts';
import { bindName, unbindName } from './scopes.ts';
import { deleteItem, setItem } from './subscripts.ts';
import { HostObject, List, type Run, type Scope, type Step, typeName, type Value } from './values.ts';

export function* assign(run: Run, scope: Scope, target: Expression, value: Value): Step<void> {
  switch (target.type) {
    case 'name':
      bindName(scope, target.name, value);
      return;
    case 'attribute': {
      const object = yield* evaluate(run, scope, target.object);
      if (object instanceof HostObject && object.set(target.name, value)) return;
      throw new Raised('AttributeError', `attribute '${target.name}' of '${typeName(object)}' cannot be set`);
    }
    case 'subscript': {
      const collection = yield* evaluate(run, scope, target.object);
      const key = yield* evaluate(run, scope, target.index);
      setItem(run, collection, key, value);
      return;
    }
    case 'tuple':
    case 'list':
      yield* unpack(run, scope, target.items, yield* collect(run, value));
      return;
    default:
      throw new Raised('TypeError', 'cannot assign to this');
  }
}

function* unpack(run: Run, scope: Scope, targets: readonly Expression[], items: readonly Value[]): Step<void> {
  const star = targets.findIndex(({ type }) => type === 'star');
  const wanted = star === -1 ? targets.length : targets.length - 1;
  if (items.length < wanted)
    throw new Raised('ValueError', `not enough values to unpack (expected ${wanted}, got ${items.length})`);
  if (star === -1 && items.length > wanted)
    throw new Raised('ValueError', `too many values to unpack (expected ${wanted})`);
  const surplus = items.length - wanted;
  for (const [at, target] of targets.entries()) {
    if (target.type === 'star') yield* assign(run, scope, target.value, new List(items.slice(star, star + surplus)));
    else yield* assign(run, scope, target, items[star !== -1 && at > star ? at + surplus - 1 : at] ?? null);
  }
}

export function* remove(run: Run, scope: Scope, target: Expression): Step<void> {
  if (target.type === 'name') unbindName(scope, target.name);
  else if (target.type === 'subscript') {
    const collection = yield* evaluate(run, scope, target.object);
    deleteItem(collection, yield* evaluate(run, scope, target.index));
  } else throw new Raised('TypeError', 'cannot delete this');
}
