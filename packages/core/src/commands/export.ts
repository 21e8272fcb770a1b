// `gatehouse core export`: everything as one blueprint, without secrets.
import type { Terminal } from '@gatehouse/daemon/commands';
import { exportAll } from '../blueprints/export.ts';
import { withCore } from './with-core.ts';

/** @returns exit code */
export function exportBlueprint(_words: readonly string[], terminal: Terminal): Promise<number> {
  return withCore(terminal, async (deps) => {
    terminal.print(await exportAll(deps));
    return 0;
  });
}
