// A plan's context as expressions see it: plain values, with objects of the core under the keys that stand for them.
import type { CoreDeps } from '../../deps.ts';
import { pendingUserRef } from '../../flows/plan.ts';
import { Converter, type Wrap } from '../run/convert.ts';
import type { Value } from '../run/values.ts';
import { UserObject } from './identity.ts';
import { RecordObject } from './record.ts';

export interface ContextView {
  readonly value: Value;
  /** Puts changes back into the context that was given, and into the plan below it. */
  writeBack(): void;
}

/** The context, and `flow_plan` with the plan's own one. */
export function contextView(deps: CoreDeps, context: Record<string, unknown>, host: string | undefined): ContextView {
  const backend = textIn(context, 'user_backend') ?? textIn(planContextIn(context), 'user_backend');
  const wrap: Wrap = (key, value) => {
    if (key === 'pending_user') {
      const reference = pendingUserRef.safeParse(value).data;
      return reference === undefined ? undefined : new UserObject(deps, reference, host, backend);
    }
    if (key === 'flow_plan' && isObject(value) && isObject(value['context']))
      return new RecordObject('FlowPlan', { context: converter.toValue(value['context']) }, { plain: value });
    if (['application', 'source', 'outpost', 'device', 'event'].includes(key) && isObject(value))
      return new RecordObject(key, fieldsOf(value), { plain: value, text: String(value['name'] ?? key) });
    return undefined;
  };
  const converter = new Converter(wrap);
  return { value: converter.toValue(context), writeBack: () => converter.writeBack() };
}

function planContextIn({ flow_plan }: Record<string, unknown>): Record<string, unknown> {
  const context = isObject(flow_plan) ? flow_plan['context'] : undefined;
  return isObject(context) ? context : {};
}

function textIn(context: Record<string, unknown>, name: string): string | undefined {
  const value = context[name];
  return typeof value === 'string' ? value : undefined;
}

function fieldsOf(value: Readonly<Record<string, unknown>>): Record<string, Value> {
  const converter = new Converter();
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, converter.toValue(inner)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
