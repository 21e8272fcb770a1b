// Expressions that ship with the default flows, by their text (core.md §16.2): the table that stands in for a Python
// interpreter. Text that is not here cannot be run and says so.
import { coreError } from '../errors.ts';
import type { PolicyAnswer, PolicyQuestion } from './kind.ts';

type Run = (question: PolicyQuestion) => PolicyAnswer;

const result = (passing: boolean): PolicyAnswer => ({ passing, messages: [] });

const shipped: Readonly<Record<string, Run>> = {
  'return not ("user_backend" in request.context)': ({ context }) => result(!('user_backend' in context)),
  'return request.context.get("auth_method") != "auth_webauthn_pwl"': ({ context }) =>
    result(context['auth_method'] !== 'auth_webauthn_pwl'),
  'return ak_is_sso_flow': ({ context }) => result(context['is_sso'] === true),
  'return True': () => result(true),
  'return False': () => result(false),
};

/** @throws GatewayError `ERR_CORE_EXPRESSION` for text that cannot be run */
export function expressionOf(text: string): Run {
  const known = meaning(text);
  const run = Object.entries(shipped).find(([source]) => meaning(source) === known)?.[1];
  if (run !== undefined) return run;
  const first = known.split('\n')[0] ?? '';
  throw coreError(
    'ERR_CORE_EXPRESSION',
    `The expression beginning "${first.slice(0, 80)}" cannot be run.`,
    'Use a binding to a group or user, or one of the expressions of the default flows.',
  );
}

/** The text without comments, blank lines and kind of quotes. */
function meaning(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line
        .replace(/^\s*#.*$/, '')
        .trimEnd()
        .replaceAll("'", '"'),
    )
    .filter((line) => line.trim() !== '')
    .join('\n')
    .trim();
}
