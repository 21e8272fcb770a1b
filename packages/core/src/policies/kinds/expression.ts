// Expression policy (core.md §16.1): passes when its text gives something true; nothing is false.

import { evaluateExpression } from '../../expressions/evaluate.ts';
import { contextView } from '../../expressions/host/context.ts';
import { UserObject } from '../../expressions/host/identity.ts';
import { policyRequestObject } from '../../expressions/host/request.ts';
import { toPlain } from '../../expressions/run/convert.ts';
import { str } from '../../expressions/run/text.ts';
import { isTrue, Native } from '../../expressions/run/values.ts';
import type { Evaluate } from '../kind.ts';

export const runExpressionPolicy: Evaluate = async ({ expression }, question) => {
  const { deps, user, request, context, signal, callPolicy } = question;
  const messages: string[] = [];
  const located = request === undefined ? undefined : await deps.locations.of(request.clientIp);
  const known = located === undefined ? {} : { geoip: located.place ?? null, asn: located.network ?? null };
  const shown: Record<string, unknown> = { ...known, ...context };
  const view = contextView(deps, shown, request?.host);
  const whom = new UserObject(deps, user, request?.host);
  const result = await evaluateExpression(deps, {
    text: String(expression),
    request,
    signal,
    callPolicy,
    names: {
      request: policyRequestObject(deps, { user: whom, request, context: view.value }),
      context: view.value,
      ak_is_sso_flow: context['is_sso'] === true,
      ak_message: new Native('ak_message', ({ args }) => {
        messages.push(args.map(str).join(' ').slice(0, 1000));
        return null;
      }),
    },
  });
  view.writeBack();
  takeBack(context, shown, known);
  return { passing: isTrue(result), messages, rawResult: toPlain(result) };
};

/** What the expression changed in the context, without what is only shown to it. */
function takeBack(context: Record<string, unknown>, shown: Record<string, unknown>, known: object): void {
  for (const name of Object.keys(context)) if (!(name in shown)) delete context[name];
  for (const [name, value] of Object.entries(shown)) if (name in context || !(name in known)) context[name] = value;
}
