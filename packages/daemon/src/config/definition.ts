// One definition gives environment name, file key, flag, type, default, check, documentation and redaction (STYLE 32).
import type { Option } from './options.ts';

export interface Section {
  readonly [key: string]: Option<unknown> | Section;
}

/** The frozen value tree of a definition. */
export type ConfigOf<D> = { readonly [K in keyof D]: D[K] extends Option<infer T> ? T : ConfigOf<D[K]> };

/** One setting with its path: `['listen', 'ldap']` is `listen.ldap`, `AUTHENTIK_LISTEN__LDAP` and `--listen.ldap`. */
export interface Leaf {
  readonly path: readonly string[];
  readonly key: string;
  readonly env: string;
  readonly option: Option<unknown>;
}

/** Marks a tree as a definition; exists for its type. */
export function defineConfig<const D extends Section>(definition: D): D {
  return definition;
}

/** Every setting of a definition, in the order of writing. */
export function leavesOf(section: Section, path: readonly string[] = []): Leaf[] {
  return Object.entries(section).flatMap(([name, entry]) => {
    const here = [...path, name];
    if (!isOption(entry)) return leavesOf(entry, here);
    return [
      {
        path: here,
        key: here.join('.'),
        env: entry.env ?? `AUTHENTIK_${here.join('__').toUpperCase()}`,
        option: entry,
      },
    ];
  });
}

function isOption(entry: Option<unknown> | Section): entry is Option<unknown> {
  return entry['kind'] === 'option';
}
