// The commands of the core, by their words. Called by packages/cli.
import { apply } from './apply.ts';
import { doctor } from './doctor.ts';
import { exportBlueprint } from './export.ts';
import { mail } from './mail.ts';
import { recovery } from './recovery.ts';
import type { Terminal } from './terminal.ts';
import { users } from './users.ts';

const commands: Readonly<Record<string, (words: readonly string[], terminal: Terminal) => Promise<number>>> = {
  apply,
  doctor,
  export: exportBlueprint,
  mail,
  recovery,
  users,
};

export const coreCommandNames: readonly string[] = Object.keys(commands);

/** @returns exit code; @throws GatewayError with what to do about it */
export async function runCoreCommand(name: string, words: readonly string[], terminal: Terminal): Promise<number> {
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command !== undefined) return command(words, terminal);
  terminal.complain(`There is no command ${name}.\n`);
  return 1;
}
