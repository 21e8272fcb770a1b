// What a daemon says about its own settings: where each value came from, and the reference (STYLE 33, 36).
import { leavesOf, type Section } from './definition.ts';
import type { Loaded } from './load.ts';
import { formatAddress } from './options.ts';

/** One line per setting: key, value (secrets hidden), origin. */
export function explainConfig<D extends Section>(definition: D, loaded: Loaded<D>): string {
  const rows = leavesOf(definition).map(({ key, path }) => {
    const value = path.reduce<unknown>(
      (node, name) => (typeof node === 'object' && node !== null ? Reflect.get(node, name) : undefined),
      loaded.config,
    );
    return [key, show(value), loaded.origins.get(key) ?? ''];
  });
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      ([key = '', value = '', origin]) => `${key.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${origin}`,
    )
    .join('\n');
}

/** The reference of all settings, as Markdown or as a commented environment file. */
export function configReference(definition: Section, format: 'markdown' | 'env'): string {
  const leaves = leavesOf(definition);
  if (format === 'env') {
    return leaves
      .map(
        ({ env, option }) =>
          `# ${option.doc} (${option.typeName})\n${option.required ? '' : '#'}${env}=${show(option.fallback)}`,
      )
      .join('\n\n');
  }
  const rows = leaves.map(({ key, env, option }) => {
    const standard = option.required ? 'required' : option.fallback === undefined ? '' : `\`${show(option.fallback)}\``;
    return `| \`${key}\` | \`${env}\` | ${option.typeName.replaceAll('|', '\\|')} | ${standard} | ${option.doc} |`;
  });
  return ['| Key | Environment | Type | Default | Meaning |', '|---|---|---|---|---|', ...rows].join('\n');
}

function show(value: unknown): string {
  if (value === undefined) return '';
  if (Array.isArray(value)) return value.map(show).join(',');
  if (typeof value === 'object' && value !== null && 'host' in value && 'port' in value) {
    return formatAddress({ host: String(value.host), port: Number(value.port) });
  }
  return String(value);
}
