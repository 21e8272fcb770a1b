// A twin does in TypeScript what a shipped expression says (core.md §16.2 point 1). It answers the usual case only; for anything
// else (a value of an odd type, a long list, an error) it gives `undefined` and has changed nothing yet: then the interpreter
// runs the text, and what fails is told in its words, with its lines and its limits.
import type { CoreDeps } from '../../deps.ts';
import type { ExpressionCall } from '../evaluate.ts';
import { Budget, standardLimits } from '../run/budget.ts';
import { Dict, HostObject, Native, type Run, type Value } from '../run/values.ts';

/** What a shipped expression sees, and how it asks. */
export interface Seen {
  readonly deps: CoreDeps;
  readonly call: ExpressionCall;
  readonly run: Run;
}

type Answer = Value | undefined;
export type Twin = (seen: Seen) => Answer | Promise<Answer>;

/** Longer lists are the interpreter's, which counts them. */
export const longestList = 1000;

export function seenBy(deps: CoreDeps, call: ExpressionCall): Seen {
  const budget = new Budget(standardLimits, () => deps.clock.monotonicMs());
  const run: Run = { budget, modules: new Map(), depth: 0, at: { line: 1, column: 1 }, handling: undefined };
  return { deps, call, run };
}

/** `object.first.second`; `undefined` where the interpreter would see an error. */
export async function attribute(object: Answer, ...path: readonly string[]): Promise<Answer> {
  let found: Answer = object;
  for (const name of path) found = found instanceof HostObject ? await found.get(name) : undefined;
  return found;
}

/** `request.user` of policies and mappings. */
export function requestUser({ call }: Seen): Promise<Answer> {
  return attribute(call.names['request'], 'user');
}

/** `object.method(…)` of an object of the core. */
export async function ask({ run }: Seen, object: Answer, method: string, ...args: Value[]): Promise<Answer> {
  const found = await attribute(object, method);
  return found instanceof Native ? plainly(found.call({ args, named: new Map(), run })) : undefined;
}

/** A function that the place offers, such as `ak_message`. */
export function say({ call, run }: Seen, name: string, text: string): boolean {
  const found = call.names[name];
  if (!(found instanceof Native)) return false;
  found.call({ args: [text], named: new Map(), run });
  return true;
}

/** `dict.get(key, initial)`: None is a value like any other. */
export function getOr(dict: Dict, key: string, initial: Value): Value {
  const found = dict.get(key);
  return found === undefined ? initial : found;
}

/** `object.get(key)` where that is a mapping. */
export function member(object: Answer, key: string): Answer {
  return object instanceof Dict ? getOr(object, key, null) : undefined;
}

/** Calls that would be computed step by step are the interpreter's. */
async function plainly(result: ReturnType<Native['call']>): Promise<Answer> {
  const given = await result;
  return typeof given === 'object' && given !== null && 'next' in given ? undefined : given;
}
