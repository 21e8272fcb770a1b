// Attributes that administrators keep with users and groups in the core (ldap.md §9.7): names made fit for LDAP, JSON values
// as texts.
import { type AttributeType, attribute, customType, knownTypes } from '../directory/attribute-types.ts';
import type { EntryAttribute } from '../directory/entry.ts';

/** What nobody may say about himself: access decisions rest on these. */
const protectedTypes = new Set<AttributeType>([
  attribute.memberOf,
  attribute.member,
  attribute.uniqueMember,
  attribute.memberUid,
  attribute.memberTransitive,
  attribute.memberOfTransitive,
  attribute.objectClass,
  attribute.cn,
  attribute.uid,
  attribute.sAMAccountName,
  attribute.akActive,
  attribute.akSuperuser,
  attribute.entryUUID,
  attribute.entryDN,
  attribute.hasSubordinates,
  attribute.structuralObjectClass,
  attribute.subschemaSubentry,
]);

/** A descriptor (RFC 4512 §1.4), or what people use as one. */
export function isAttributeName(name: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_-]{0,127}$/.test(name);
}

/** Types of custom attributes by lower-case name, one object each for the life of the process. */
export class CustomTypes {
  readonly #types = new Map<string, AttributeType>();

  /** `undefined` for a name that is no attribute description (RFC 4512 §1.4), even with the letters people use. */
  of(name: string): AttributeType | undefined {
    const clean = name.replaceAll('/', '-').replaceAll('.', '');
    const folded = clean.toLowerCase();
    const known = knownTypes(folded)[0] ?? this.#types.get(folded);
    if (known !== undefined) return known;
    if (!isAttributeName(clean) || this.#types.size >= 10_000) return undefined;
    const type = customType(clean);
    this.#types.set(folded, type);
    return type;
  }

  find(folded: string): AttributeType | undefined {
    return this.#types.get(folded);
  }

  get all(): readonly AttributeType[] {
    return [...this.#types.values()];
  }
}

/** Computed, or the own number alone (numbers.ts). */
const numbers = new Set<AttributeType>([attribute.uidNumber, attribute.gidNumber]);

/** Custom attributes as they are sent, but numbers; `expand` rewrites texts. Nulls count as absent. */
export function customAttributes(
  types: CustomTypes,
  values: Readonly<Record<string, unknown>>,
  expand: (text: string) => string = (text) => text,
): EntryAttribute[] {
  const found = new Map<AttributeType, string[]>();
  for (const [name, value] of Object.entries(values)) {
    const type = types.of(name);
    if (type === undefined || value === null || protectedTypes.has(type) || numbers.has(type)) continue;
    const all = textsOf(value).map(expand);
    const texts = type.singleValue ? all.slice(0, 1) : all;
    const before = found.get(type);
    if (before === undefined) found.set(type, texts);
    else if (!type.singleValue) before.push(...texts);
  }
  return [...found].map(([type, texts]) => ({ type, values: texts }));
}

/** Generated attributes give way to custom ones of the same type, at their place. */
export function withCustom(generated: readonly EntryAttribute[], custom: readonly EntryAttribute[]): EntryAttribute[] {
  const merged = generated.map((own) => custom.find(({ type }) => type === own.type) ?? own);
  return [...merged, ...custom.filter(({ type }) => !generated.some((own) => own.type === type))];
}

function textsOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.filter((item) => item !== null).map(textOf);
  return [textOf(value)];
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return numberText(value);
  if (typeof value === 'object' && value !== null) return objectText(value);
  return String(value);
}

/** Shortest decimal without exponent. */
function numberText(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : String(value);
}

/** `map[k:v …]` for mappings of texts, as clients have seen them; JSON for anything deeper. */
function objectText(value: object): string {
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  const flat = !Array.isArray(value) && entries.every(([, inner]) => typeof inner === 'string');
  return flat ? `map[${entries.map(([key, inner]) => `${key}:${String(inner)}`).join(' ')}]` : JSON.stringify(value);
}
