// Reads settings once: defaults, YAML files, environment, flags, lowest to highest (core-contract §1.5); resolves `env://`
// and `file://` (§1.4); collects every problem before it gives up (STYLE 34).
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { GatewayError } from '../errors.ts';
import { type ConfigOf, type Leaf, leavesOf, type Section } from './definition.ts';
import { parseYaml } from './document.ts';
import type { Option } from './options.ts';

export interface Sources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Flags `--key=value` or `--key value`; others are problems. */
  readonly argv?: readonly string[];
  readonly cwd?: string;
  /** Replaces the search for files, in order of precedence. */
  readonly files?: readonly string[];
}

export interface Loaded<D> {
  readonly config: ConfigOf<D>;
  /** Where each value came from, by key. */
  readonly origins: ReadonlyMap<string, string>;
}

interface Found {
  readonly value: unknown;
  readonly origin: string;
}

/**
 * @throws GatewayError `ERR_CONFIG_INVALID` with one line per problem: which key, which value, from where, what it must be
 */
export function loadConfig<const D extends Section>(definition: D, sources: Sources): Loaded<D> {
  const problems: string[] = [];
  const leaves = leavesOf(definition);
  const files = readFiles(sources, problems);
  const flags = readFlags(leaves, sources.argv ?? [], problems);
  const origins = new Map<string, string>();
  const tree: Record<string, unknown> = {};
  for (const leaf of leaves) {
    const found = flags.get(leaf.key) ?? fromEnvironment(leaf, sources) ?? fromFiles(leaf, files);
    const { value, origin } = found === undefined ? fallback(leaf, problems) : checked(leaf, found, sources, problems);
    origins.set(leaf.key, origin);
    place(tree, leaf.path, value);
  }
  if (problems.length > 0) {
    const hint = 'Correct the settings named above, then start again.';
    throw new GatewayError('ERR_CONFIG_INVALID', problems.join('\n'), { hint });
  }
  return { config: deepFreeze(tree) as ConfigOf<D>, origins }; // every leaf was read by its own option just above
}

function fallback({ key, env, option }: Leaf, problems: string[]): Found {
  if (option.required)
    problems.push(`${key} is missing: set ${env}.${option.hint === undefined ? '' : ` ${option.hint}`}`);
  return { value: option.fallback, origin: option.fallback === undefined ? 'unset' : 'default' };
}

function checked({ key, option }: Leaf, found: Found, sources: Sources, problems: string[]): Found {
  const { value: raw, origin } = resolveIndirection(option, found, sources);
  if (option.required && raw === '') {
    problems.push(`${key} is empty (from ${origin}).${option.hint === undefined ? '' : ` ${option.hint}`}`);
    return { value: undefined, origin };
  }
  if (raw === '' && !option.isSecret && option.typeName !== 'text') return { value: option.fallback, origin };
  const reading = option.read(raw);
  if (reading.ok) return { value: reading.value, origin };
  const shown = option.isSecret ? '***' : JSON.stringify(raw);
  problems.push(
    `${key} is ${shown} (from ${origin}): it must be ${reading.must}.${option.hint === undefined ? '' : ` ${option.hint}`}`,
  );
  return { value: undefined, origin };
}

/** Core-contract §1.4: text values only; the part after `?` stands in where the target is missing. */
function resolveIndirection(option: Option<unknown>, found: Found, sources: Sources): Found {
  const match =
    typeof found.value === 'string' && !option.isList ? /^(env|file):\/\/([^?]*)(?:\?(.*))?$/s.exec(found.value) : null;
  if (match === null) return found;
  const [, kind, target = '', substitute = ''] = match;
  const value = kind === 'env' ? sources.env[target] : readText(target)?.trim();
  return {
    value: value ?? substitute,
    origin: `${found.origin} → ${kind}://${target}${value === undefined ? ' (missing, fallback used)' : ''}`,
  };
}

function fromEnvironment(leaf: Leaf, sources: Sources): Found | undefined {
  const value = sources.env[leaf.env];
  return value === undefined ? undefined : { value, origin: leaf.env };
}

function fromFiles(leaf: Leaf, files: readonly { path: string; content: unknown }[]): Found | undefined {
  for (const { path, content } of files) {
    const value = leaf.path.reduce<unknown>((node, name) => (isRecord(node) ? node[name] : undefined), content);
    if (value !== undefined && value !== null) return { value, origin: path };
  }
  return undefined;
}

/** Parsed files, highest precedence first. */
function readFiles(sources: Sources, problems: string[]): { path: string; content: unknown }[] {
  const paths = sources.files ?? searchPaths(sources);
  return paths.toReversed().flatMap((path) => {
    const text = readText(path);
    if (text === undefined) return [];
    try {
      return [{ path, content: parseYaml(text) }];
    } catch (error) {
      problems.push(
        `${path} is not YAML: ${error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)}`,
      );
      return [];
    }
  });
}

function searchPaths(sources: Sources): string[] {
  const folder = sources.env['WORKSPACE_DIR'] ?? sources.cwd ?? '.';
  const environment = sources.env['AUTHENTIK_ENV'] ?? 'local';
  return [
    '/etc/authentik/config.yml',
    join(folder, `${environment}.yml`),
    join(folder, `${environment}.env.yml`),
    ...listYaml('/etc/authentik/config.d'),
  ];
}

function listYaml(folder: string): string[] {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== true) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith('.yml'))
    .sort()
    .map((name) => join(folder, name));
}

function readFlags(leaves: readonly Leaf[], argv: readonly string[], problems: string[]): ReadonlyMap<string, Found> {
  const found = new Map<string, Found>();
  for (let at = 0; at < argv.length; at++) {
    const match = /^--([\w.]+)(?:=(.*))?$/s.exec(argv[at] ?? '');
    const key = match?.[1] ?? '';
    if (!leaves.some((leaf) => leaf.key === key)) {
      problems.push(`"${argv[at]}" is not a known flag. Run "config reference" to see all settings.`);
      continue;
    }
    const value = match?.[2] ?? argv[++at] ?? '';
    found.set(key, { value, origin: `--${key}` });
  }
  return found;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // an absent file is no setting; an indirection then takes its fallback
  }
}

function place(tree: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let node = tree;
  for (const name of path.slice(0, -1)) {
    const next = node[name];
    const child = isRecord(next) ? next : {};
    node[name] = child;
    node = child;
  }
  node[path.at(-1) ?? ''] = value;
}

function deepFreeze(value: unknown): unknown {
  if (Array.isArray(value) || (isRecord(value) && Object.getPrototypeOf(value) === Object.prototype)) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
