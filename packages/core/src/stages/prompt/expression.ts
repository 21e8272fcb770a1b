// Expressions of prompts (core.md §16.1).
import type { StageContext } from '../stage.ts';
import type { Prompt } from './prompt.ts';
import type { PromptData } from './texts.ts';

export async function runPromptText(
  _context: StageContext,
  _prompt: Prompt,
  _data: PromptData,
  text: string,
): Promise<unknown> {
  return text;
}
