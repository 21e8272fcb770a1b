// What each type of prompt accepts (core.md §15.3): the value to keep, or what is wrong with the answer.
import type { ErrorDetail } from '@gatehouse/contract/flow';
import { z } from 'zod';
import type { Prompt, PromptType } from './prompt.ts';
import type { Choice } from './texts.ts';

export type Checked = { readonly value: unknown } | { readonly error: ErrorDetail } | undefined;

/** Types whose value is the core's own, whatever was sent. */
export function isServerSide(type: PromptType): boolean {
  return ['hidden', 'static', 'separator', 'text_read_only', 'text_area_read_only'].includes(type);
}

const invalid = (string: string, code = 'invalid'): Checked => ({ error: { string, code } });
const email = z.email();
const date = /^\d{4}-\d{2}-\d{2}$/;
const dateTime = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})?$/;
const longestText = 65_536;
const longestFile = 700_000;

/** `undefined`: nothing was given, and nothing has to be. */
export function checkValue(prompt: Prompt, given: unknown, choices: readonly Choice[] | undefined): Checked {
  if (prompt.type === 'checkbox') return checkFlag(prompt, given);
  if (given === undefined || given === null)
    return prompt.required ? invalid('This field is required.', 'required') : undefined;
  if (prompt.type === 'number') return checkNumber(prompt, given);
  if (typeof given !== 'string') return invalid('Not a valid string.');
  if (given === '') return prompt.required ? invalid('This field may not be blank.', 'blank') : { value: given };
  if (given.length > (prompt.type === 'file' ? longestFile : longestText))
    return invalid('Ensure this field has fewer characters.', 'max_length');
  if (choices !== undefined && !choices.some(({ value }) => value === given))
    return invalid(`"${given}" is not a valid choice.`, 'invalid_choice');
  return checkText(prompt.type, given);
}

function checkText(type: PromptType, given: string): Checked {
  if (type === 'email' && !email.safeParse(given).success) return invalid('Enter a valid email address.');
  if (type === 'date' && !(date.test(given) && isMoment(given)))
    return invalid('Date has wrong format. Use one of these formats instead: YYYY-MM-DD.');
  if (type === 'date-time' && !(dateTime.test(given) && isMoment(given.replace(' ', 'T'))))
    return invalid('Datetime has wrong format. Use one of these formats instead: YYYY-MM-DDThh:mm[:ss[.uuuuuu]].');
  if (type === 'file' && !/^data:[\w.+/-]*(?:;[\w=.+-]+)*;base64,[A-Za-z0-9+/=]*$/.test(given))
    return invalid('Invalid file data.');
  return { value: given };
}

function isMoment(text: string): boolean {
  const at = new Date(text.length === 10 ? `${text}T00:00:00Z` : text);
  // Days that no month has are moved on by the parser, so the day must come out as it went in.
  return !Number.isNaN(at.getTime()) && (text.length > 10 || at.toISOString().startsWith(text));
}

function checkNumber({ required }: Prompt, given: unknown): Checked {
  if (given === '') return required ? invalid('A valid integer is required.') : undefined;
  const isText = typeof given === 'string' && /^\s*[-+]?\d{1,15}\s*$/.test(given);
  if (!isText && !Number.isSafeInteger(given)) return invalid('A valid integer is required.');
  return { value: Number(given) };
}

function checkFlag({ required }: Prompt, given: unknown): Checked {
  const truths = new Map<unknown, boolean>([
    [true, true],
    ['true', true],
    ['on', true],
    [false, false],
    ['false', false],
    ['', false],
    [null, false],
    [undefined, false],
  ]);
  const value = truths.get(given);
  if (value === undefined) return invalid('Must be a valid boolean.');
  return required && given === undefined ? invalid('This field is required.', 'required') : { value };
}
