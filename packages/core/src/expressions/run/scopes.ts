// Names and where they live (Python reference §4.2).
import { Raised } from '../faults.ts';
import type { Scope, Value } from './values.ts';

/** @throws Raised NameError, UnboundLocalError */
export function lookUp(scope: Scope, name: string): Value {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.parent) {
    const found = at.names.get(name);
    if (found !== undefined) return found;
    // A name that a function assigns itself is its own before the assignment, too.
    if (at.own?.has(name) === true && at.parent !== undefined)
      throw new Raised(
        'UnboundLocalError',
        `cannot access local variable '${name}' where it is not associated with a value`,
      );
  }
  throw new Raised('NameError', `name '${name}' is not defined`);
}

/** The frame's own, unless `nonlocal` said otherwise. */
export function bindName(scope: Scope, name: string, value: Value): void {
  let at = scope;
  while (at.own === undefined && at.parent !== undefined) at = at.parent;
  if (at.outer.has(name)) {
    for (let outer = at.parent; outer !== undefined; outer = outer.parent)
      if (outer.names.has(name) || outer.own?.has(name) === true) {
        outer.names.set(name, value);
        return;
      }
  }
  at.names.set(name, value);
}

export function unbindName(scope: Scope, name: string): void {
  if (!scope.names.delete(name)) throw new Raised('NameError', `name '${name}' is not defined`);
}
