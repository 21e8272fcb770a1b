// `gatehouse users import <file>`: people and groups from a directory's LDIF, a glauth configuration or a CSV table, with the
// hashes of their passwords: nobody notices the move. All or nothing.

import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Terminal } from '@gatehouse/daemon/commands';
import { coreError } from '../errors.ts';
import { readCsv } from '../identity/import/csv.ts';
import { readGlauth } from '../identity/import/glauth.ts';
import { readLdif } from '../identity/import/ldif.ts';
import type { Directory } from '../identity/import/people.ts';
import { storeDirectory } from '../identity/import/store.ts';
import { withCore } from './with-core.ts';

const readers: Readonly<Record<string, (text: string) => Directory>> = {
  ldif: readLdif,
  glauth: readGlauth,
  csv: readCsv,
};
const formatOfEnding: Readonly<Record<string, string>> = {
  '.ldif': 'ldif',
  '.cfg': 'glauth',
  '.toml': 'glauth',
  '.csv': 'csv',
};

export async function users(words: readonly string[], terminal: Terminal): Promise<number | 'usage'> {
  const [action, ...rest] = words;
  const file = rest.find((word) => !word.startsWith('--'));
  if (action !== 'import' || file === undefined) return 'usage';
  const given = rest.find((word) => word.startsWith('--format='))?.slice('--format='.length);
  const format = given ?? formatOfEnding[extname(file)] ?? '';
  const read = Object.hasOwn(readers, format) ? readers[format] : undefined;
  if (read === undefined) {
    terminal.complain(`The format of ${file} is not known.\n`);
    return 'usage';
  }
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw coreError('ERR_CORE_IMPORT', `The file ${file} cannot be read.`, 'Check the path.', cause);
  });
  const options = { update: rest.includes('--update'), dryRun: rest.includes('--dry-run') };
  return withCore(terminal, async (deps) => {
    const { created, updated, kept, groups, warnings } = await storeDirectory(deps, read(text), options);
    for (const warning of warnings) terminal.complain(`${warning}\n`);
    const what = options.dryRun ? 'Would import' : 'Imported';
    terminal.print(`${what} ${created} users and ${groups} groups; ${updated} updated, ${kept} left as they were\n`);
    return 0;
  });
}
