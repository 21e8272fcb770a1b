// `authentik_blueprints.blueprintinstance` (core.md §9.8): a file of the folder, or a text of its own, with what it is
// applied with and how that went.
import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import { z } from 'zod';
import { column, flag, jsonColumn, line, text } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import { InvalidInput, invalidField } from '../models/invalid.ts';
import { defineModel } from '../models/model.ts';
import { readBlueprint } from './read.ts';

const told = { readOnly: true } as const;

export const blueprintModel = defineModel({
  id: 'authentik_blueprints.blueprintinstance',
  noun: 'Blueprint Instance',
  nouns: 'Blueprint Instances',
  table: 'blueprints',
  key: 'uuid',
  keyType: 'uuid',
  path: '/managed/blueprints/',
  fields: {
    name: column('name', line),
    path: column('path', text, { initial: '' }),
    content: column('content', text, { initial: '' }),
    context: jsonColumn('context'),
    enabled: column('enabled', flag, { initial: true }),
    last_applied: column('last_applied', z.date().nullable(), told),
    last_applied_hash: column('last_applied_hash', text, told),
    status: column('status', text, told),
    metadata: column('metadata', z.record(z.string(), z.unknown()), told),
  },
  search: ['name', 'path'],
  order: ['name'],
  filters: {
    name: exactly('name'),
    path: exactly('path'),
    enabled: ([value = '']) => sql<boolean>`enabled::text = ${value}`,
  },
  async prepare({ deps, db }, values, existing) {
    const path = String(values['path'] ?? existing?.['path'] ?? '');
    const content = String(values['content'] ?? existing?.['content'] ?? '');
    if (path === '' && content === '') throw new InvalidInput({ path: ['Either path or content must be set.'] });
    if (path !== '' && path !== existing?.['path']) await checkPath(deps.blueprints.paths, path);
    if (content !== '' && content !== existing?.['content']) checkContent(content);
    const taken = await db
      .selectFrom('blueprints')
      .select('uuid')
      .where('name', '=', String(values['name'] ?? existing?.['name']))
      .executeTakeFirst();
    if (taken !== undefined && taken.uuid !== existing?.['uuid'])
      throw invalidField('name', 'This field must be unique.');
    return values;
  },
  derived: { managed_models: z.array(z.string()) },
  async derive(_deps, rows) {
    return rows.map(() => ({ managed_models: [] }));
  },
});

async function checkPath(paths: () => Promise<readonly string[]>, path: string): Promise<void> {
  if (path.startsWith('oci://')) throw invalidField('path', 'Blueprints of registries are not part of this version.');
  if (!(await paths()).includes(path)) throw invalidField('path', 'Blueprint file does not exist.');
}

function checkContent(content: string): void {
  try {
    readBlueprint(content, 'content');
  } catch (error) {
    throw invalidField('content', error instanceof Error ? error.message : String(error));
  }
}

/** Hex SHA-512, by which a changed text is told from one that was only touched. */
export function contentHash(content: string): string {
  return createHash('sha512').update(content).digest('hex');
}
