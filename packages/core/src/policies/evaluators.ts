// The kinds of policies, each as a function of its settings and the question (core.md §14.4). A kind that is not here, or
// text that we cannot run, throws: the binding's failure result then decides.
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';
import { expressionOf } from './expressions.ts';

export interface PolicyQuestion {
  readonly deps: CoreDeps;
  /** Absent for a visitor that is nobody. */
  readonly user: UserRecord | undefined;
  readonly request: FlowRequest | undefined;
  /** Plan context, and whatever the target adds. */
  readonly context: Readonly<Record<string, unknown>>;
}
export interface PolicyAnswer {
  readonly passing: boolean;
  readonly messages: readonly string[];
}
type Evaluate = (settings: Readonly<Record<string, unknown>>, question: PolicyQuestion) => Promise<PolicyAnswer>;

const answer = (passing: boolean, ...messages: string[]): PolicyAnswer => ({ passing, messages });

export const evaluators: Readonly<Record<string, Evaluate>> = {
  'authentik_policies_dummy.dummypolicy': async ({ result }) => answer(result === true, 'dummy'),
  'authentik_policies_expression.expressionpolicy': async ({ expression }, question) =>
    expressionOf(String(expression))(question),
  'authentik_policies_password.passwordpolicy': checkPassword,
  'authentik_policies_expiry.passwordexpirypolicy': checkExpiry,
  'authentik_policies_event_matcher.eventmatcherpolicy': async (settings, { context }) => {
    const event = context['event'];
    if (typeof event !== 'object' || event === null) return answer(false);
    const criteria = ['action', 'client_ip', 'app'].filter((name) => settings[name] != null);
    return answer(criteria.length > 0 && criteria.every((name) => Reflect.get(event, name) === settings[name]));
  },
};

async function checkPassword(
  settings: Readonly<Record<string, unknown>>,
  { context }: PolicyQuestion,
): Promise<PolicyAnswer> {
  const field = String(settings['password_field'] ?? 'password');
  const prompt = context['prompt_data'];
  const given: unknown = typeof prompt === 'object' && prompt !== null ? Reflect.get(prompt, field) : undefined;
  const password = given ?? context[field];
  if (typeof password !== 'string') return answer(false, 'Password not set in context');
  if (settings['check_have_i_been_pwned'] === true || settings['check_zxcvbn'] === true)
    throw new Error('Checks against breach lists and guessing are not available in this release.');
  if (settings['check_static_rules'] === false) return answer(true);
  const least = (name: string) => Number(settings[name] ?? 0);
  const count = (pattern: RegExp) => password.match(pattern)?.length ?? 0;
  const symbols = String(settings['symbol_charset'] ?? '');
  const enough =
    password.length >= least('length_min') &&
    count(/[0-9]/g) >= least('amount_digits') &&
    count(/[a-z]/g) >= least('amount_lowercase') &&
    count(/[A-Z]/g) >= least('amount_uppercase') &&
    [...password].filter((letter) => symbols.includes(letter)).length >= least('amount_symbols');
  return enough ? answer(true) : answer(false, String(settings['error_message'] ?? ''));
}

async function checkExpiry(
  settings: Readonly<Record<string, unknown>>,
  { user, deps }: PolicyQuestion,
): Promise<PolicyAnswer> {
  if (user === undefined) return answer(false);
  const days = Math.floor((deps.clock.now() - user.password_change_date.getTime()) / 86_400_000);
  if (days < Number(settings['days'])) return answer(true);
  if (settings['deny_only'] !== true)
    await deps.database.kysely.updateTable('users').set({ password: '!' }).where('id', '=', user.id).execute();
  return answer(false, `Password expired ${days} days ago. Please update your password.`);
}
