// `gatehouse apply <blueprint>… [--dry-run]`: files of blueprints, each all or nothing.

import { readFile } from 'node:fs/promises';
import type { Terminal } from '@gatehouse/daemon/commands';
import { applyBlueprint } from '../blueprints/apply.ts';
import { nestedBlueprints } from '../blueprints/instances.ts';
import { readBlueprint } from '../blueprints/read.ts';
import { formatPlan } from '../blueprints/result.ts';
import { coreError } from '../errors.ts';
import { coreItself } from '../models/unit.ts';
import { withCore } from './with-core.ts';

export async function apply(words: readonly string[], terminal: Terminal): Promise<number | 'usage'> {
  const dryRun = words.includes('--dry-run');
  const files = words.filter((word) => !word.startsWith('-'));
  if (files.length === 0) return 'usage';
  return withCore(terminal, async (deps) => {
    for (const file of files) {
      const text = await readFile(file, 'utf8').catch((cause: unknown) => {
        throw coreError('ERR_CORE_BLUEPRINT', `The blueprint ${file} cannot be read.`, 'Check the path.', cause);
      });
      const { entries, logs } = await applyBlueprint(deps, readBlueprint(text, file), {
        dryRun,
        env: terminal.env,
        nested: nestedBlueprints(deps),
        author: { ...coreItself, cause: `gatehouse apply ${file}` },
      });
      terminal.print(formatPlan(entries));
      for (const { event } of logs) terminal.complain(`${event}\n`);
      const changed = entries.filter(({ action }) => action !== 'noop' && action !== 'skip').length;
      terminal.print(
        `${file}: ${changed} of ${entries.length} entries ${dryRun ? 'would change' : 'changed'} something\n`,
      );
    }
    return 0;
  });
}
