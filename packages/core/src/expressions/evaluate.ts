// Expressions of the core (core.md §16): the language together with the objects and functions each place offers. Shipped texts
// are answered by their twins where these can.
import type { CoreDeps } from '../deps.ts';
import { coreError } from '../errors.ts';
import type { FlowRequest } from '../flows/request.ts';
import { SyntaxFault, UnsupportedFault } from './faults.ts';
import { commonFunctions, type FunctionContext } from './host/functions.ts';
import { AddressObject } from './host/network.ts';
import { httpRequestObject } from './host/request.ts';
import { tenantSettings } from './host/tenant.ts';
import { checkText, interpret } from './interpret.ts';
import { createModules } from './modules/all.ts';
import type { HostObject, Value } from './run/values.ts';
import { twinOf } from './shipped/table.ts';
import { seenBy, type Twin } from './shipped/twin.ts';

export interface ExpressionCall extends Omit<FunctionContext, 'deps' | 'request'> {
  readonly text: string;
  readonly request: FlowRequest | undefined;
  /** What this place offers beyond what every place does. */
  readonly names: Readonly<Record<string, Value>>;
  readonly signal?: AbortSignal;
}

/**
 * @throws GatewayError `ERR_CORE_EXPRESSION` for text that cannot be run; Raised, BudgetFault for what went wrong in it
 */
export async function evaluateExpression(deps: CoreDeps, call: ExpressionCall): Promise<Value> {
  const twin = twinOf(call.text);
  const answer = twin === undefined ? undefined : await answerOf(twin, deps, call);
  return answer === undefined ? interpretExpression(deps, call) : answer;
}

/** `undefined` also for a twin that fails: the interpreter says what is wrong, and in which line. */
async function answerOf(twin: Twin, deps: CoreDeps, call: ExpressionCall): Promise<Value | undefined> {
  try {
    return await twin(seenBy(deps, call));
  } catch {
    return undefined;
  }
}

/** The same without twins. @throws like {@link evaluateExpression} */
export async function interpretExpression(deps: CoreDeps, call: ExpressionCall): Promise<Value> {
  const { text, request, signal, names } = call;
  const world: Record<string, Value> = {
    ...commonFunctions({ deps, request, ...(call.callPolicy === undefined ? {} : { callPolicy: call.callPolicy }) }),
    http_request: httpRequestObject(deps, request),
    ...(request === undefined ? {} : { ak_client_ip: new AddressObject(request.clientIp) }),
    ...names,
  };
  try {
    return await interpret({
      text,
      names: new Map(Object.entries(world)),
      modules: modulesOf(deps),
      monotonicMs: () => deps.clock.monotonicMs(),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (error instanceof SyntaxFault || error instanceof UnsupportedFault) throw unusable(error);
    throw error;
  }
}

function unusable(fault: SyntaxFault | UnsupportedFault) {
  return coreError(
    'ERR_CORE_EXPRESSION',
    `The expression cannot be run: ${fault.message}.`,
    'Rewrite it within the language that packages/core/README.md describes.',
    fault,
  );
}

export interface ExpressionProblem {
  readonly kind: 'syntax' | 'unsupported';
  readonly text: string;
}

/** What is wrong with a text before it is ever run; `undefined` if nothing is. */
export function expressionProblem(text: string): ExpressionProblem | undefined {
  try {
    checkText(text, moduleNames);
    return undefined;
  } catch (error) {
    if (error instanceof SyntaxFault) return { kind: 'syntax', text: error.message };
    if (error instanceof UnsupportedFault) return { kind: 'unsupported', text: error.message };
    throw error;
  }
}

const moduleNames: ReadonlySet<string> = new Set(createModules({ now: () => 0, settings: () => null }).keys());
const modules = new WeakMap<CoreDeps, ReadonlyMap<string, HostObject>>();

function modulesOf(deps: CoreDeps): ReadonlyMap<string, HostObject> {
  const known =
    modules.get(deps) ?? createModules({ now: () => deps.clock.now(), settings: () => tenantSettings(deps) });
  modules.set(deps, known);
  return known;
}
