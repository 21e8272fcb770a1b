// Password policy (core.md §14.4): rules of length and signs, breach lists, and how easily a password is guessed.
import { z } from 'zod';
import { brandOfHost, brandTitle } from '../../brands/current.ts';
import { answer, type Evaluate, type PolicyAnswer, type PolicyQuestion, type Settings } from '../kind.ts';
import { timesBreached } from './breaches.ts';

export const checkPassword: Evaluate = async (settings, question) => {
  const password = passwordOf(settings, question);
  if (password === undefined) return answer(false, 'Password not set in context');
  const checks: readonly (() => PolicyAnswer | Promise<PolicyAnswer>)[] = [
    ...(settings['check_static_rules'] === false ? [] : [() => checkSigns(settings, password)]),
    ...(settings['check_have_i_been_pwned'] === true ? [() => checkBreaches(settings, password, question)] : []),
    ...(settings['check_zxcvbn'] === true ? [() => checkGuessing(settings, password, question)] : []),
  ];
  for (const check of checks) {
    const result = await check();
    if (!result.passing) return result;
  }
  return answer(true);
};

function passwordOf(settings: Settings, { context }: PolicyQuestion): string | undefined {
  const field = String(settings['password_field'] ?? 'password');
  const prompt = z.record(z.string(), z.unknown()).safeParse(context['prompt_data']).data ?? {};
  const given = prompt[field] ?? context[field];
  return typeof given === 'string' ? given : undefined;
}

function checkSigns(settings: Settings, password: string): PolicyAnswer {
  const letters = [...password];
  const symbols = String(settings['symbol_charset'] ?? '');
  const count = (pattern: RegExp) => letters.filter((letter) => pattern.test(letter)).length;
  const has: readonly (readonly [string, number])[] = [
    ['length_min', letters.length],
    ['amount_digits', count(/[0-9]/)],
    ['amount_lowercase', count(/[a-z]/)],
    ['amount_uppercase', count(/[A-Z]/)],
    ['amount_symbols', letters.filter((letter) => symbols.includes(letter)).length],
  ];
  const enough = has.every(([least, amount]) => amount >= Number(settings[least] ?? 0));
  return enough ? answer(true) : answer(false, String(settings['error_message'] ?? ''));
}

async function checkBreaches(settings: Settings, password: string, { deps }: PolicyQuestion): Promise<PolicyAnswer> {
  const times = await timesBreached(deps.pwnedPasswords, password);
  if (times <= Number(settings['hibp_allowed_count'] ?? 0)) return answer(true);
  return answer(false, `Password exists on ${times} online lists.`);
}

/** Attackers know names, addresses and the page they attack. Only the first 72 characters are looked at: time is quadratic. */
async function checkGuessing(
  settings: Settings,
  password: string,
  { deps, user, request }: PolicyQuestion,
): Promise<PolicyAnswer> {
  const { default: zxcvbn } = await import('zxcvbn'); // 25 MB that most installations never need
  const title = brandTitle(await brandOfHost(deps, request?.host ?? ''));
  const hints = [user?.username, user?.name, user?.email, title].filter((hint) => hint !== undefined && hint !== '');
  const { score, feedback } = zxcvbn(password.slice(0, 72), hints.map(String));
  if (score > Number(settings['zxcvbn_score_threshold'] ?? 2)) return answer(true);
  const messages = [feedback.warning, ...feedback.suggestions].filter((text) => text !== '');
  return answer(false, ...(messages.length === 0 ? ['Password is too weak.'] : messages));
}
