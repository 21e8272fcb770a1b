// Formatting: `%`, format specifications of f-strings and `format()` (Python library, "Format Specification
// Mini-Language").
import { BudgetFault, Raised } from '../faults.ts';
import { floatText, lengthOf, repr, str } from './text.ts';
import { Dict, Float, HostObject, numberOf, Tuple, typeName, type Value } from './values.ts';

const widest = 10_000;
const longest = 1_048_576;
const percentVerb = /%(?:\(([^)]*)\))?([-+ #0]*)(\d*)(?:\.(\d+))?([sdifFeEgGrxXoc%])/g;

export function formatPercent(pattern: string, given: Value): string {
  const args = given instanceof Tuple ? given.items : [given];
  let used = 0;
  let made = 0;
  const counted = (part: string) => {
    made += part.length;
    if (made > longest) throw new BudgetFault('A formatted text is too long.');
    return part;
  };
  const text = pattern.replace(
    percentVerb,
    (_all, key: string | undefined, flags: string, width: string, precision: string | undefined, verb: string) => {
      if (verb === '%') return '%';
      const value = key === undefined ? args[used] : given instanceof Dict ? given.get(key) : undefined;
      if (key === undefined) used += 1;
      if (value === undefined)
        throw key === undefined
          ? new Raised('TypeError', 'not enough arguments for format string')
          : new Raised('KeyError', repr(key));
      const align = flags.includes('-') ? '<' : flags.includes('0') ? '0' : '';
      const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
      const kind = verb === 'i' ? 'd' : verb;
      if (kind === 's' || kind === 'r' || kind === 'c') {
        const shown = kind === 'r' ? repr(value) : str(value);
        return padded(
          precision === undefined ? shown : shown.slice(0, Number(precision)),
          Number(width),
          align === '<' ? '<' : '>',
          ' ',
        );
      }
      const number = kind === 'd' && value instanceof Float ? Math.trunc(value.value) : value;
      const spec = `${align === '<' ? '<' : ''}${sign}${align === '0' ? '0' : ''}${width}${precision === undefined ? '' : `.${precision}`}${kind}`;
      return counted(formatValue(number, spec));
    },
  );
  if (used < args.length && !(given instanceof Dict))
    throw new Raised('TypeError', 'not all arguments converted during string formatting');
  return text;
}

const specification = /^(?:([\s\S])?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([bcdeEfFgGnosxX%])?$/u;

/** One value by a specification. @throws Raised ValueError */
export function formatValue(value: Value, spec: string): string {
  if (value instanceof HostObject) {
    const own = value.format(spec);
    if (own !== undefined) return own;
  }
  if (spec === '') return str(value);
  const found = specification.exec(spec);
  if (found === null) throw new Raised('ValueError', `Invalid format specifier '${spec}'`);
  const [, fill, align, sign, , zero, width = '', group, precision, kind] = found;
  const number = numberOf(value);
  const asNumber = number !== undefined && kind !== 's' && (typeof value !== 'boolean' || kind !== undefined);
  if (!asNumber && kind !== undefined && kind !== 's')
    throw new Raised('ValueError', `Unknown format code '${kind}' for object of type '${typeName(value)}'`);
  const shown = asNumber
    ? formatNumber(number, { kind, precision, group, isFloat: value instanceof Float })
    : str(value).slice(0, precision === undefined ? undefined : Number(precision));
  const prefix = asNumber && !shown.startsWith('-') && sign !== undefined && sign !== '-' ? sign : '';
  const pad = fill ?? (zero === undefined ? ' ' : '0');
  const side = align ?? (zero !== undefined && asNumber ? '=' : asNumber ? '>' : '<');
  return padded(prefix + shown, Number(width), side, pad);
}

interface NumberFormat {
  readonly kind: string | undefined;
  readonly precision: string | undefined;
  readonly group: string | undefined;
  readonly isFloat: boolean;
}

function formatNumber(value: number, { kind, precision, group, isFloat }: NumberFormat): string {
  const digits = Math.min(100, Number(precision ?? 6));
  switch (kind) {
    case 'f':
    case 'F':
      return grouped(value.toFixed(digits), group);
    case '%':
      return `${(value * 100).toFixed(digits)}%`;
    case 'e':
    case 'E': {
      const text = value.toExponential(digits).replace(/e([-+])(\d)$/, 'e$10$2');
      return kind === 'E' ? text.toUpperCase() : text;
    }
    case 'x':
      return value.toString(16);
    case 'X':
      return value.toString(16).toUpperCase();
    case 'o':
      return value.toString(8);
    case 'b':
      return value.toString(2);
    case 'c':
      return String.fromCodePoint(value);
    case 'g':
    case 'G':
      return String(Number(value.toPrecision(Math.max(1, digits))));
    default:
      if (isFloat && precision !== undefined) return String(Number(value.toPrecision(Math.max(1, digits))));
      return grouped(isFloat ? floatText(value) : String(value), group);
  }
}

function grouped(text: string, group: string | undefined): string {
  if (group === undefined) return text;
  const [whole = '', fraction] = text.split('.');
  const spaced = whole.replace(/\B(?=(?:\d{3})+$)/g, group);
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

function padded(text: string, width: number, side: string, pad: string): string {
  if (width > widest) throw new Raised('ValueError', 'the width is too large');
  const missing = width - lengthOf(text);
  if (missing <= 0) return text;
  const fill = pad.repeat(missing);
  if (side === '<') return text + fill;
  if (side === '^') return pad.repeat(Math.floor(missing / 2)) + text + pad.repeat(Math.ceil(missing / 2));
  const [, sign = '', rest = text] = /^([-+ ]?)([\s\S]*)$/.exec(text) ?? [];
  return side === '=' ? sign + fill + rest : fill + text;
}
