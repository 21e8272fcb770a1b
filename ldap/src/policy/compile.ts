// Rules of the policy file put together for one application and one view: what is shown under which name.
import { type AttributeMap, fixedTypes, type Source, type StoredKind } from '../directory/attribute-map.ts';
import { type AttributeType, attribute, customType } from '../directory/attribute-types.ts';
import { group, user, virtual } from '../directory/kinds.ts';
import type { AttributeRule, Declared, NamedType, ViewRule } from './document.ts';

/** Names that a map declares, and where that comes from; for people. */
export interface Compiled {
  /** `undefined` when everything is shown as it is. */
  readonly map: AttributeMap | undefined;
  readonly declared: readonly CompiledName[];
}

export interface CompiledName {
  readonly kind: StoredKind;
  readonly name: string;
  /** Where its value comes from, as templates. */
  readonly text: string;
  /** Counted from 1. */
  readonly rule: number;
  /** The rule that has the name already; `undefined` when this one counts. */
  readonly shadowedBy: number | undefined;
}

/** @param rules of the application, each with its place in the file counted from 1. The first that declares a name has it. */
export function compile(rules: ReadonlyMap<number, AttributeRule>, view: ViewRule | undefined): Compiled {
  const named = new Map<string, AttributeType>();
  const sources = { [user]: emptySources(), [group]: emptySources(), [virtual]: emptySources() };
  const owners = new Map<string, number>();
  const declared: CompiledName[] = [];
  for (const [rule, { kinds, declared: names }] of rules)
    for (const kind of kinds)
      for (const one of names) {
        const folded = one.name.toLowerCase();
        const type = one.known ?? named.get(folded) ?? newType(one);
        if (one.known === undefined) named.set(folded, type);
        const source = sourceFor(one);
        const shadowedBy = owners.get(`${kind} ${folded}`);
        declared.push({ kind, name: one.name, text: textOf(one), rule, shadowedBy });
        if (shadowedBy !== undefined) continue;
        owners.set(`${kind} ${folded}`, rule);
        sources[kind].set(type, source);
      }
  leaveOldNames(rules, sources);
  const hides = hiding(view, named);
  const map = declared.length === 0 && hides === undefined ? undefined : { sources, named, hides: hides ?? nothing };
  return { map, declared };
}

const nothing = () => false;
const emptySources = (): Map<AttributeType, Source> => new Map();

/** What has been renamed is not under its old name any more, unless a rule declares that name. */
function leaveOldNames(
  rules: ReadonlyMap<number, AttributeRule>,
  sources: Readonly<Record<StoredKind, Map<AttributeType, Source>>>,
): void {
  for (const { kinds, declared } of rules.values())
    for (const { value } of declared)
      for (const kind of kinds)
        if (value.kind === 'renamed' && !sources[kind].has(value.from))
          sources[kind].set(value.from, { kind: 'absent' });
}

function textOf({ value }: Declared): string {
  return value.kind === 'renamed'
    ? `\${${value.from.name}}, renamed`
    : value.templates.map(({ text }) => text).join(', ');
}

function sourceFor({ value }: Declared): Source {
  if (value.kind === 'renamed') return { kind: 'copy', of: value.from };
  const whole = wholeReference(value.templates);
  return whole === undefined ? value : { kind: 'copy', of: whole };
}

/** The attribute when a template is its value and nothing else. */
function wholeReference(templates: Extract<Declared['value'], { kind: 'templates' }>['templates']) {
  const [part, ...others] = templates.length === 1 ? (templates[0]?.parts ?? []) : [];
  if (part === undefined || typeof part === 'string' || others.length > 0) return undefined;
  return part.steps.length === 0 && part.fallback === undefined ? part.type : undefined;
}

/** A new name for an attribute has its syntax; anything else is text. */
function newType(declared: Declared): AttributeType {
  const source = sourceFor(declared);
  return source.kind === 'copy' ? { ...source.of, name: declared.name, oid: '' } : customType(declared.name);
}

/** `undefined` when nothing is hidden. */
function hiding(
  view: ViewRule | undefined,
  named: ReadonlyMap<string, AttributeType>,
): ((type: AttributeType) => boolean) | undefined {
  if (view === undefined || (view.hide === undefined && view.show === undefined)) return undefined;
  const typesOf = (names: readonly NamedType[] = []) => new Set(names.map(({ name, type }) => named.get(name) ?? type));
  const hidden = typesOf(view.hide);
  // Effective membership would tell of any other that is hidden, under whatever name.
  if ([...hidden].some((type) => type?.syntax === 'dn'))
    for (const type of [attribute.memberTransitive, attribute.memberOfTransitive]) hidden.add(type);
  const shown = view.show === undefined ? undefined : typesOf(view.show);
  return (type) => !fixedTypes.has(type) && (shown === undefined ? hidden.has(type) : !shown.has(type));
}
