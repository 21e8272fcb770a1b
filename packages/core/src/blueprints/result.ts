// What applying a blueprint did, or would do (core.md §23.4): for people at a terminal, for the API and for tasks.
import type { TaskLog } from '../database/tables.ts';
import type { Difference } from '../models/unit.ts';

export type EntryAction = 'create' | 'update' | 'delete' | 'noop' | 'skip';

export interface AppliedEntry {
  /** Its id, or its place in the file from 1. */
  readonly entry: string;
  readonly line: number | undefined;
  readonly model: string;
  readonly identifiers: Readonly<Record<string, unknown>>;
  readonly action: EntryAction;
  /** Name of the field → what it was and what it becomes; secrets masked. */
  readonly fields: Difference;
}

export interface ApplyResult {
  readonly entries: readonly AppliedEntry[];
  readonly logs: readonly TaskLog[];
}

/** Lines such as `~ authentik_core.group name=ops: attributes {} → {"a":1}`. */
export function formatPlan(entries: readonly AppliedEntry[]): string {
  const signs: Readonly<Record<EntryAction, string>> = { create: '+', update: '~', delete: '-', noop: '=', skip: '.' };
  return entries
    .map(({ action, model, identifiers, fields, line }) => {
      const names = Object.entries(identifiers).map(([name, value]) => `${name}=${plain(value)}`);
      const changes = Object.entries(fields).map(
        ([name, { previous_value, new_value }]) => `\n    ${name}: ${plain(previous_value)} → ${plain(new_value)}`,
      );
      const at = line === undefined ? '' : ` (line ${line})`;
      return `${signs[action]} ${action} ${model} ${names.join(' ')}${at}${changes.join('')}\n`;
    })
    .join('');
}

const plain = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? '–'));
