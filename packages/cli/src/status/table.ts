// A look at an installation as a table: for the terminal, and the same cells for the page.
import type { Look, ProcessStatus } from './collect.ts';

export const columns = [
  'process',
  'state',
  'version',
  'channel',
  'open',
  'requests',
  'per s',
  'memory',
  'up for',
  'restarts',
  'last error',
];

/** Cells of one process, in the order of `columns`. */
export function cellsOf(row: ProcessStatus): readonly string[] {
  return [
    row.name,
    row.reason === '' ? row.state : `${row.state} (${row.reason})`,
    row.version || '–',
    row.channel === 'none' ? '–' : row.channel,
    numberOr(row.open),
    numberOr(row.requests),
    row.rate === undefined ? '–' : row.rate.toFixed(1),
    row.memoryBytes === undefined ? '–' : `${Math.round(row.memoryBytes / 1_048_576)} MB`,
    row.uptimeS === undefined ? '–' : formatSpan(row.uptimeS),
    numberOr(row.restarts),
    row.lastError === undefined ? '–' : `${row.lastError.at.slice(11, 19)} ${row.lastError.text}`,
  ];
}

/** @param width of the terminal; the last column is cut to it */
export function formatTable(
  look: Look,
  { colour, width }: { readonly colour: boolean; readonly width: number },
): string {
  const rows = look.processes.map(cellsOf);
  const widths = columns.map((name, at) => Math.max(name.length, ...rows.map((cells) => cells[at]?.length ?? 0)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => (at === columns.length - 1 ? cell : cell.padEnd(widths[at] ?? 0)))
      .join('  ')
      .slice(0, width);
  const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const body = rows.map((cells, at) => paint(colourOf(look.processes[at]?.state), line(cells)));
  return [paint(1, line(columns)), ...body, paint(2, totalOf(look)), ''].join('\n');
}

export function totalOf({ processes }: Look): string {
  const bytes = processes.reduce((sum, { memoryBytes }) => sum + (memoryBytes ?? 0), 0);
  return `${processes.length} rows, ${Math.round(bytes / 1_048_576)} MB in all`;
}

function colourOf(state: ProcessStatus['state'] | undefined): number {
  if (state === 'ready') return 32;
  return state === 'starting' || state === 'degraded' ? 33 : 31;
}

function numberOr(value: number | undefined): string {
  return value === undefined ? '–' : String(value);
}

function formatSpan(seconds: number): string {
  const whole = Math.floor(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
