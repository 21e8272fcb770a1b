// Evaluates search filters (RFC 4511 §4.5.1.7; ldap.md §8.2, §16.4): a filter is compiled once per search into a function of
// an entry. Three-valued: `undefined` for rules nobody here knows; an attribute that is absent is simply not equal.
import {
  type DnKey,
  type ExtensibleMatch,
  type Filter,
  foldValue,
  parseDn,
  type Substrings,
} from '@gatehouse/wire/ldap';
import {
  type AttributeType,
  attribute,
  baseName,
  compareNormalised,
  normalise,
  type Syntax,
} from './attribute-types.ts';
import type { Entry } from './entry.ts';
import { inChain } from './in-chain.ts';
import type { DirectoryView } from './view.ts';

export type Truth = boolean | undefined;
export type Predicate = (entry: Entry) => Truth;

export function compileFilter(filter: Filter, view: DirectoryView): Predicate {
  switch (filter.kind) {
    case 'and':
      return all(filter.filters.map((inner) => compileFilter(inner, view)));
    case 'or':
      return any(filter.filters.map((inner) => compileFilter(inner, view)));
    case 'not':
      return not(compileFilter(filter.filter, view));
    case 'present':
      return present(filter.attribute, view);
    case 'equalityMatch':
      return equality(view.typesOf(filter.attribute), textOf(filter.value));
    case 'approxMatch':
      return approximate(view.typesOf(filter.attribute), textOf(filter.value));
    case 'greaterOrEqual':
      return ordering(view.typesOf(filter.attribute), textOf(filter.value), (order) => order >= 0);
    case 'lessOrEqual':
      return ordering(view.typesOf(filter.attribute), textOf(filter.value), (order) => order <= 0);
    case 'substrings':
      return substrings(view.typesOf(filter.attribute), filter);
    case 'extensibleMatch':
      return extensible(filter, view);
  }
}

/** Octets that are no UTF-8 become replacement characters, which equal nothing that is stored. */
export const textOf = (value: Buffer): string => value.toString('utf8');

function all(parts: readonly Predicate[]): Predicate {
  return (entry) => {
    let result: Truth = true;
    for (const part of parts) {
      const truth = part(entry);
      if (truth === false) return false;
      if (truth === undefined) result = undefined;
    }
    return result;
  };
}

function any(parts: readonly Predicate[]): Predicate {
  return (entry) => {
    let result: Truth = false;
    for (const part of parts) {
      const truth = part(entry);
      if (truth === true) return true;
      if (truth === undefined) result = undefined;
    }
    return result;
  };
}

function not(inner: Predicate): Predicate {
  return (entry) => {
    const truth = inner(entry);
    return truth === undefined ? undefined : !truth;
  };
}

function present(description: string, view: DirectoryView): Predicate {
  const types = view.typesOf(description);
  return (entry) => types.some((type) => entry.has(type));
}

function equality(types: readonly AttributeType[], asserted: string): Predicate {
  return any(types.map((type) => equalityOf(type, asserted)));
}

function equalityOf(type: AttributeType, asserted: string): Predicate {
  const wanted = normalise(type.syntax, asserted);
  if (wanted === undefined) return () => false;
  const same = (value: string) => normalise(type.syntax, value) === wanted;
  if (type === attribute.objectClass) return byClasses(same);
  if (type.syntax !== 'dn') return (entry) => entry.values(type).some(same);
  // The normal form of what is no DN is no key of an entry either.
  return (entry) => entry.refersTo(type, wanted as DnKey) ?? entry.values(type).some(same);
}

/** All entries of a kind share one list of classes, so each list is tested once. */
function byClasses(same: (value: string) => boolean): Predicate {
  const known = new Map<readonly string[], boolean>();
  return (entry) => {
    const classes = entry.values(attribute.objectClass);
    const found = known.get(classes) ?? classes.some(same);
    known.set(classes, found);
    return found;
  };
}

function approximate(types: readonly AttributeType[], asserted: string): Predicate {
  const wanted = roughly(asserted);
  return byType(types, () => (value) => roughly(value) === wanted);
}

/** Without case, spaces and accents. */
function roughly(text: string): string {
  return text
    .normalize('NFKD')
    .replace(/[\p{M}\s]/gu, '')
    .toLowerCase();
}

function ordering(types: readonly AttributeType[], asserted: string, fits: (order: number) => boolean): Predicate {
  return byType(types, (type) => {
    const bound = normalise(type.syntax, asserted);
    return (value) => {
      const own = normalise(type.syntax, value);
      return bound !== undefined && own !== undefined && fits(compareNormalised(type.syntax, own, bound));
    };
  });
}

function substrings(types: readonly AttributeType[], { initial, any: inner, final }: Substrings): Predicate {
  const parts = {
    initial: initial === undefined ? '' : foldPart(textOf(initial)),
    any: inner.map((part) => foldPart(textOf(part))),
    final: final === undefined ? '' : foldPart(textOf(final)),
  };
  return byType(types, () => (value) => containsParts(foldPart(value), parts));
}

/** What substrings are compared as, in values and in assertions: spaces count. */
export const foldPart = (text: string): string => (/[^ -~]/.test(text) ? text.normalize('NFKC') : text).toLowerCase();

function containsParts(
  value: string,
  parts: { readonly initial: string; readonly any: readonly string[]; readonly final: string },
): boolean {
  if (!value.startsWith(parts.initial)) return false;
  let at = parts.initial.length;
  for (const part of parts.any) {
    const found = value.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return value.length - at >= parts.final.length && value.endsWith(parts.final);
}

/** True when some value of one of the types passes the test made for that type. */
function byType(types: readonly AttributeType[], make: (type: AttributeType) => (value: string) => boolean): Predicate {
  const tests = types.map((type) => [type, make(type)] as const);
  return (entry) => tests.some(([type, test]) => entry.values(type).some(test));
}

/** Syntaxes by matching rule, names and numbers (ldap.md §16.4). */
const equalityRules: Readonly<Record<string, Syntax | 'exact'>> = {
  '2.5.13.0': 'oid',
  objectidentifiermatch: 'oid',
  '2.5.13.1': 'dn',
  distinguishednamematch: 'dn',
  '2.5.13.2': 'directoryString',
  caseignorematch: 'directoryString',
  '2.5.13.5': 'exact',
  caseexactmatch: 'exact',
  '2.5.13.13': 'boolean',
  booleanmatch: 'boolean',
  '2.5.13.14': 'integer',
  integermatch: 'integer',
  '2.5.13.27': 'generalizedTime',
  generalizedtimematch: 'generalizedTime',
};
const bitAnd = '1.2.840.113556.1.4.803';
const bitOr = '1.2.840.113556.1.4.804';
const chain = '1.2.840.113556.1.4.1941';

function extensible({ rule, attribute: name, value, dnAttributes }: ExtensibleMatch, view: DirectoryView): Predicate {
  const asserted = textOf(value);
  const types = name === undefined ? undefined : view.typesOf(name);
  const test = ruleTest(rule?.toLowerCase(), types, asserted);
  if (!dnAttributes) return test;
  const inDn = dnTest(name, asserted);
  return any([test, inDn]);
}

function ruleTest(rule: string | undefined, types: readonly AttributeType[] | undefined, asserted: string): Predicate {
  if (rule === chain) return types === undefined ? unknown : inChain(types, asserted);
  if (rule === bitAnd || rule === bitOr) return types === undefined ? unknown : bits(types, asserted, rule === bitAnd);
  if (rule === undefined) return types === undefined ? unknown : equality(types, asserted);
  const syntax = Object.hasOwn(equalityRules, rule) ? equalityRules[rule] : undefined;
  if (syntax === undefined) return unknown;
  const same = (value: string) =>
    syntax === 'exact'
      ? value === asserted
      : normalise(syntax, value) !== undefined && normalise(syntax, value) === normalise(syntax, asserted);
  if (types !== undefined) return byType(types, () => same);
  return (entry) => entry.types.some((type) => fits(type.syntax, syntax) && entry.values(type).some(same));
}

const unknown: Predicate = () => undefined;

/** Which attributes a rule without a type looks at. */
function fits(syntax: Syntax, rule: Syntax | 'exact'): boolean {
  return rule === 'exact' ? syntax === 'directoryString' : syntax === rule;
}

function bits(types: readonly AttributeType[], asserted: string, every: boolean): Predicate {
  if (!/^-?\d{1,19}$/.test(asserted)) return unknown;
  const mask = BigInt(asserted);
  return byType(types, () => (value) => {
    if (!/^-?\d{1,19}$/.test(value)) return false;
    const set = BigInt(value) & mask;
    return every ? set === mask : set !== 0n;
  });
}

function dnTest(attribute: string | undefined, asserted: string): Predicate {
  const wanted = foldValue(asserted);
  const name = attribute === undefined ? undefined : baseName(attribute);
  return (entry) =>
    parseDn(entry.dn).some((rdn) =>
      rdn.some(({ type, value }) => (name === undefined || type.toLowerCase() === name) && foldValue(value) === wanted),
    );
}
