// Commands that work on the core's database: handed over to the core, which is loaded when they are asked for.
import type { Environment } from '../daemons.ts';

/** Name → what it does. */
export const coreCommands: Readonly<Record<string, string>> = {
  recovery: 'Print a link that logs a user in once: recovery <user> [minutes].',
  apply: 'Apply blueprints: apply <file>... [--dry-run].',
  users: 'Take over users with their passwords: users import <file> [--format=ldif|glauth|csv] [--update] [--dry-run].',
  doctor: 'Look for what is wrong, and say what to do about it.',
};

export interface CoreTerminal {
  readonly env: Environment;
  readonly print: (text: string) => void;
  readonly complain: (text: string) => void;
}

/** @returns exit code */
export async function runCoreCommand(name: string, words: readonly string[], terminal: CoreTerminal): Promise<number> {
  const core = await import('@gatehouse/core');
  return core.runCoreCommand(name, words, terminal);
}
