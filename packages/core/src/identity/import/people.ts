// What every source of users is read into, before it is stored.
import { coreError } from '../../errors.ts';

export interface Person {
  readonly username: string;
  readonly name: string;
  readonly email: string;
  readonly isActive: boolean;
  /** Encoded as we keep them; `undefined` where there is none that can be kept. */
  readonly password: string | undefined;
  /** Names of groups. */
  readonly groups: readonly string[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

export interface ImportedGroup {
  readonly name: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  /** Names of the groups above it. */
  readonly parents: readonly string[];
}

export interface Directory {
  readonly people: readonly Person[];
  readonly groups: readonly ImportedGroup[];
  readonly warnings: readonly string[];
}

export function importFault(what: string, at: string) {
  return coreError('ERR_CORE_IMPORT', `${at}: ${what}.`, 'Correct the file; nothing was imported.');
}
