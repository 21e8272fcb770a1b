// Values made of other values by a declared text: `${cn}@example.org`, `${name|first}`, `${loginShell|default:/bin/sh}`.
// A reference without a value makes no value, unless it has a default. `$$` is a dollar sign.
import { foldValue } from '@gatehouse/wire/ldap';
import { type AttributeType, normalise } from './attribute-types.ts';
import type { Entry } from './entry.ts';

export interface Template {
  readonly text: string;
  readonly parts: readonly (string | Reference)[];
}

export interface Reference {
  readonly type: AttributeType;
  readonly steps: readonly Step[];
  /** In place of no value. */
  readonly fallback: string | undefined;
}

interface Step {
  readonly name: string;
  readonly change: (value: string) => string;
}

type MakeStep = (argument: string) => Step['change'];

const words = (value: string) => value.trim().split(/\s+/);
const steps: Readonly<Record<string, MakeStep>> = {
  first: () => (value) => words(value)[0] ?? '',
  rest: () => (value) => words(value).slice(1).join(' '),
  lower: () => (value) => value.toLowerCase(),
  upper: () => (value) => value.toUpperCase(),
  before: (mark) => (value) => value.split(mark)[0] ?? '',
  after: (mark) => (value) => value.split(mark).slice(1).join(mark),
};

/** @param typeOf `undefined` for what is no name of an attribute. @throws RangeError with what is wrong */
export function parseTemplate(text: string, typeOf: (name: string) => AttributeType | undefined): Template {
  const parts: (string | Reference)[] = [];
  let literal = '';
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] !== '$') literal += text[at];
    else if (text[at + 1] === '$') {
      literal += '$';
      at += 1;
    } else if (text[at + 1] === '{') {
      const end = text.indexOf('}', at);
      if (end === -1) throw new RangeError(`"${text}" has a \${ without its }`);
      if (literal !== '') parts.push(literal);
      literal = '';
      parts.push(parseReference(text.slice(at + 2, end), typeOf));
      at = end;
    } else throw new RangeError(`"${text}" has a lone $: write $$ for a dollar sign`);
  }
  return { text, parts: literal === '' ? parts : [...parts, literal] };
}

function parseReference(inner: string, typeOf: (name: string) => AttributeType | undefined): Reference {
  const [name = '', ...calls] = inner.split('|');
  const type = typeOf(name);
  if (type === undefined) throw new RangeError(`"${name}" is no name of an attribute`);
  const made: Step[] = [];
  let fallback: string | undefined;
  for (const call of calls) {
    const colon = call.indexOf(':');
    const [verb, argument] = colon === -1 ? [call, ''] : [call.slice(0, colon), call.slice(colon + 1)];
    if (verb === 'default') {
      fallback = argument;
      continue;
    }
    const make = Object.hasOwn(steps, verb) ? steps[verb] : undefined;
    if (make === undefined)
      throw new RangeError(`"${call}" is unknown: there are ${Object.keys(steps).join(', ')} and default`);
    if ((verb === 'before' || verb === 'after') === (argument === ''))
      throw new RangeError(`"${call}": before and after need a text, as in before:@, and nothing else takes one`);
    made.push({ name: verb, change: make(argument) });
  }
  return { type, steps: made, fallback };
}

/** One value for each of the first reference; of the others, their first. */
export function valuesOf({ parts }: Template, entry: Entry): readonly string[] {
  let made: readonly string[] = [''];
  let isFirst = true;
  for (const part of parts) {
    if (typeof part === 'string') made = made.map((text) => text + part);
    else {
      const found = referred(part, entry);
      const counted = isFirst ? found : found.slice(0, 1);
      made = made.flatMap((text) => counted.map((value) => text + value));
      isFirst = false;
    }
  }
  return made.filter((text) => text !== '');
}

function referred({ type, steps: changes, fallback }: Reference, entry: Entry): readonly string[] {
  const found = entry
    .values(type)
    .map((value) => changes.reduce((text, { change }) => change(text), value))
    .filter((value) => value !== '');
  return found.length === 0 && fallback !== undefined && fallback !== '' ? [fallback] : found;
}

/** The one attribute that a template is made of, with what stands around its value. */
export interface Affixed {
  readonly type: AttributeType;
  readonly before: string;
  readonly after: string;
}

/** `undefined` where an index of the attribute cannot tell which entries have a value of the template. */
export function affixed({ parts }: Template): Affixed | undefined {
  const at = parts.findIndex((part) => typeof part !== 'string');
  const only = parts[at];
  if (only === undefined || typeof only === 'string' || parts.length > 3) return undefined;
  const [before, after] = [parts[at - 1] ?? '', parts[at + 1] ?? ''];
  if (typeof before !== 'string' || typeof after !== 'string') return undefined;
  if (only.fallback !== undefined || only.steps.length > 0 || only.type.syntax !== 'directoryString') return undefined;
  // Text that folds to itself letter by letter, whatever comes after it.
  if (!/^(?:[!-~]*[!-/:;?-@[-`{-~])?$/.test(before) || !/^[!-~]*$/.test(after)) return undefined;
  return { type: only.type, before: before.toLowerCase(), after: after.toLowerCase() };
}

/** What the attribute must be for the template to be `value`, which is normalised; `undefined`: no value does it. */
export function withoutAffixes({ type, before, after }: Affixed, value: string): string | undefined {
  if (value.length < before.length + after.length || !value.startsWith(before) || !value.endsWith(after))
    return undefined;
  return normalise(type.syntax, value.slice(before.length, value.length - after.length));
}

/** What the attribute must begin with for the template to begin with `prefix`; `undefined` where that cannot be said. */
export function prefixWithoutAffixes({ before, after }: Affixed, prefix: string): string | undefined {
  if (!prefix.startsWith(before)) return undefined;
  const left = prefix.slice(before.length);
  const [next] = after;
  return left === '' || (next !== undefined && left.includes(next)) ? undefined : foldValue(left);
}
