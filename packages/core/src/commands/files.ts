// `gatehouse files migrate [--dry-run]`: values from the time of /media/ become names of files.
import type { Terminal } from '@gatehouse/daemon/commands';
import { migrateMedia } from '../files/migrate.ts';
import type { FileReference } from '../files/references.ts';
import { modelName } from '../models/model.ts';
import { withCore } from './with-core.ts';

/** @returns exit code: 1 when something is left for people to do */
export async function files(words: readonly string[], terminal: Terminal): Promise<number | 'usage'> {
  const [verb, ...options] = words;
  if (verb !== 'migrate' || options.some((option) => option !== '--dry-run')) return 'usage';
  const dryRun = options.length > 0;
  return withCore(terminal, async (deps) => {
    const { rewritten, missing, links } = await migrateMedia(deps, dryRun);
    for (const { reference, value } of rewritten)
      terminal.print(`${dryRun ? 'would be ' : ''}rewritten: ${nameOf(reference)}: ${reference.value} -> ${value}\n`);
    for (const reference of missing) terminal.print(`no such file: ${nameOf(reference)}: ${reference.value}\n`);
    for (const link of links) terminal.print(`in a style sheet: ${link}\n`);
    terminal.print(
      `${rewritten.length} rewritten, ${missing.length} without a file, ${links.length} links in style sheets\n`,
    );
    return missing.length + links.length === 0 ? 0 : 1;
  });
}

function nameOf({ owner: { model, title, field } }: FileReference): string {
  return `${modelName(model)} ${title}, ${field}`;
}
