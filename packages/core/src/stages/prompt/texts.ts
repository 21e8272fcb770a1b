// Placeholder, initial value and choices of a prompt: fixed, of an expression, or of the plan (core.md §15.3).
import type { Prompt, PromptText } from './prompt.ts';

export interface Choice {
  readonly value: string;
  readonly label: string;
}

/** Runs the text of a prompt that is an expression; what fails to run is shown as it stands (core.md §16.1). */
export type RunText = (text: string) => Promise<unknown>;

/** What earlier stages and links already know, by field key. */
export type PromptData = Readonly<Record<string, unknown>>;

const hasChoices = new Set(['radio-button-group', 'dropdown']);

/** `undefined` for types that have none. */
export async function choicesOf(prompt: Prompt, data: PromptData, run: RunText): Promise<Choice[] | undefined> {
  if (!hasChoices.has(prompt.type)) return undefined;
  const given = data[`${prompt.key}__choices`] ?? (await textOf(prompt.placeholder, run));
  const list: readonly unknown[] = Array.isArray(given) ? given : given === '' ? [] : [given];
  return list.map(choiceOf);
}

function choiceOf(item: unknown): Choice {
  if (typeof item !== 'object' || item === null) return { value: String(item), label: String(item) };
  const value = String(Reflect.get(item, 'value') ?? '');
  return { value, label: String(Reflect.get(item, 'label') ?? value) };
}

/** Never an expression of what a visitor typed before: that is shown as it is. */
export async function placeholderOf(prompt: Prompt, data: PromptData, run: RunText): Promise<string> {
  if (hasChoices.has(prompt.type)) return '';
  return String(data[prompt.key] ?? (await textOf(prompt.placeholder, run)) ?? '');
}

export async function initialValueOf(
  prompt: Prompt,
  data: PromptData,
  choices: readonly Choice[] | undefined,
  run: RunText,
): Promise<unknown> {
  const value = data[prompt.key] ?? (await textOf(prompt.initialValue, run)) ?? '';
  if (choices === undefined) return value;
  return choices.some((choice) => choice.value === value) ? value : (choices[0]?.value ?? '');
}

async function textOf({ text, isExpression }: PromptText, run: RunText): Promise<unknown> {
  if (!isExpression) return text;
  try {
    return await run(text);
  } catch {
    return text; // the caller's runner has recorded why
  }
}
