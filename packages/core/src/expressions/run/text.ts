// Values as text: `str()`, `repr()`, and texts by code points (JavaScript counts UTF-16 units).
import { BudgetFault } from '../faults.ts';
import { Bytes, Dict, Float, HostObject, Iteration, List, Native, SetValue, Tuple, type Value } from './values.ts';

const deepest = 50;
const mostParts = 20_000;

export function str(value: Value): string {
  return typeof value === 'string' ? value : repr(value);
}

export function repr(value: Value): string {
  return show(value, 0, { left: mostParts });
}

function show(value: Value, depth: number, parts: { left: number }): string {
  parts.left -= 1;
  if (depth > deepest || parts.left < 0) throw new BudgetFault('A value is too large to be shown.');
  const shown = (item: Value) => show(item, depth + 1, parts);
  const inner = (items: Iterable<Value>) => [...items].map(shown).join(', ');
  if (value === null) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Bytes) return `b${quoted(Buffer.from(value.data).toString('latin1'))}`;
  if (value instanceof List) return `[${inner(value.items)}]`;
  if (value instanceof Tuple) return value.items.length === 1 ? `(${inner(value.items)},)` : `(${inner(value.items)})`;
  if (value instanceof Dict)
    return `{${value
      .entries()
      .map(([key, item]) => `${shown(key)}: ${shown(item)}`)
      .join(', ')}}`;
  if (value instanceof SetValue) return value.members.size === 0 ? 'set()' : `{${inner(value.items)}}`;
  if (value instanceof Iteration) return `<${value.kind}>`;
  if (value instanceof HostObject) return value.text();
  return value instanceof Native ? `<built-in function ${value.name}>` : `<function ${value.name}>`;
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\'"\p{Cc}]/gu, (sign) => {
    if (sign === '\\') return '\\\\';
    if (sign === "'" || sign === '"') return sign === quote ? `\\${sign}` : sign;
    const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };
    return short[sign] ?? `\\x${(sign.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}`;
  });
  return `${quote}${escaped}${quote}`;
}

export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4))
    return value.toExponential().replace(/e([-+])(\d)$/, (_all, sign: string, digit: string) => `e${sign}0${digit}`);
  return Number.isInteger(value) ? `${value}.0` : String(value);
}

const hasPairs = /[\ud800-\udfff]/;

/** Number of code points. */
export function lengthOf(text: string): number {
  return hasPairs.test(text) ? [...text].length : text.length;
}

/** Code points from `start` to `stop`, `step` apart; bounds as a slice has resolved them. */
export function codePoints(text: string): readonly string[] {
  return hasPairs.test(text) ? [...text] : text.split('');
}
