// The policy file: how entries look under which application, and who sees what of it. YAML or JSON, read whole: everything that is
// wrong is told with its place, and nothing of a wrong file comes into force.
// The one file of this package that imports zod.
import { readDocument } from '@gatehouse/daemon/config';
import { z } from 'zod';
import { fixedTypes, type StoredKind } from '../directory/attribute-map.ts';
import { type AttributeType, knownTypes } from '../directory/attribute-types.ts';
import { group, user, virtual } from '../directory/kinds.ts';
import { parseTemplate, type Template } from '../directory/template.ts';
import { ldapError } from '../errors.ts';
import { type CustomTypes, isAttributeName } from '../mapping/custom-attributes.ts';

const oneOrMany = <T extends z.ZodType>(one: T) => z.union([one.transform((value) => [value]), z.array(one)]);
const scalar = z.union([z.string(), z.number(), z.boolean()]).transform(String);
const kindCodes: Readonly<Record<'users' | 'groups' | 'virtual-groups', StoredKind>> = {
  users: user,
  groups: group,
  'virtual-groups': virtual,
};
const kind = z.enum(['users', 'groups', 'virtual-groups']);

const attributeRule = z.strictObject({
  application: z.string().optional(),
  of: oneOrMany(kind).default(['users']),
  rename: z.record(z.string(), z.string()).default({}),
  set: z.record(z.string(), oneOrMany(scalar)).default({}),
});

const viewRule = z.strictObject({
  application: z.string().optional(),
  groups: oneOrMany(z.string()).optional(),
  hide: oneOrMany(z.string()).optional(),
  show: oneOrMany(z.string()).optional(),
  users_in: oneOrMany(z.string()).optional(),
  only_groups: oneOrMany(z.string()).optional(),
  active_only: z.boolean().default(false),
});

const document = z.strictObject({
  attributes: z.array(attributeRule).default([]),
  views: z.array(viewRule).default([]),
});

/** One attribute that a rule declares. */
export interface Declared {
  /** As written. */
  readonly name: string;
  /** Of a name that the server knows; `undefined` for a new one. */
  readonly known: AttributeType | undefined;
  readonly value:
    | { readonly kind: 'renamed'; readonly from: AttributeType }
    | { readonly kind: 'templates'; readonly templates: readonly Template[] };
}

export interface AttributeRule {
  readonly application: string | undefined;
  readonly kinds: readonly StoredKind[];
  readonly declared: readonly Declared[];
}

export interface ViewRule extends Omit<z.infer<typeof viewRule>, 'hide' | 'show'> {
  readonly hide: readonly NamedType[] | undefined;
  readonly show: readonly NamedType[] | undefined;
}

/** What a name means where no rule declares it. */
export interface NamedType {
  /** In lower case. */
  readonly name: string;
  readonly type: AttributeType | undefined;
}

export interface PolicyDocument {
  readonly attributes: readonly AttributeRule[];
  readonly views: readonly ViewRule[];
}

export const emptyPolicy: PolicyDocument = { attributes: [], views: [] };

/** @throws GatewayError `ERR_LDAP_POLICY` with every problem and its place */
export function readPolicy(text: string, path: string, types: CustomTypes): PolicyDocument {
  const parsed = readDocument(text, document);
  if ('problems' in parsed) throw policyError(path, parsed.problems);
  const problems: string[] = [];
  const names: Names = { types, problems };
  const read = {
    attributes: parsed.data.attributes.map((rule, at) => readAttributes(rule, `attributes[${at}]`, names)),
    views: parsed.data.views.map((rule, at) => readView(rule, `views[${at}]`, names)),
  };
  if (problems.length > 0) throw policyError(path, problems);
  return read;
}

interface Names {
  readonly types: CustomTypes;
  readonly problems: string[];
}

function readAttributes(rule: z.infer<typeof attributeRule>, where: string, names: Names): AttributeRule {
  const declared: Declared[] = [];
  for (const [from, to] of Object.entries(rule.rename)) {
    const source = names.types.of(from);
    if (source === undefined) names.problems.push(`${where}.rename: "${from}" is no name of an attribute`);
    else if (mayDeclare(from, `${where}.rename`, names) && mayDeclare(to, `${where}.rename.${from}`, names))
      declared.push({ name: to, known: knownTypes(to)[0], value: { kind: 'renamed', from: source } });
  }
  for (const [name, texts] of Object.entries(rule.set)) {
    const templates = texts.flatMap((text) => readTemplate(text, `${where}.set.${name}`, names));
    if (mayDeclare(name, `${where}.set`, names))
      declared.push({ name, known: knownTypes(name)[0], value: { kind: 'templates', templates } });
  }
  return { application: rule.application, kinds: rule.of.map((one) => kindCodes[one]), declared };
}

function readView({ hide, show, ...rest }: z.infer<typeof viewRule>, where: string, names: Names): ViewRule {
  if (hide !== undefined && show !== undefined) names.problems.push(`${where}: either hide or show, not both`);
  const read = (key: 'hide' | 'show', given: readonly string[] | undefined): NamedType[] | undefined =>
    given?.flatMap((name) => {
      const type = names.types.of(name);
      if (type === undefined) names.problems.push(`${where}.${key}: "${name}" is no name of an attribute`);
      else if (key === 'hide' && fixedTypes.has(type))
        names.problems.push(`${where}.hide: ${type.name} is part of every entry and cannot be hidden`);
      return [{ name: name.toLowerCase(), type }];
    });
  return { ...rest, hide: read('hide', hide), show: read('show', show) };
}

function mayDeclare(name: string, where: string, { problems }: Names): boolean {
  const [known] = knownTypes(name);
  if (known !== undefined && fixedTypes.has(known))
    problems.push(`${where}: ${known.name} is part of every entry and stays as it is`);
  else if (known === undefined && !isAttributeName(name))
    problems.push(`${where}: "${name}" is no name of an attribute`);
  else return true;
  return false;
}

function readTemplate(text: string, where: string, { types, problems }: Names): Template[] {
  try {
    return [parseTemplate(text, (name) => types.of(name === 'username' ? 'cn' : name))];
  } catch (error) {
    problems.push(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    return [];
  }
}

function policyError(path: string, problems: readonly string[]) {
  return ldapError('ERR_LDAP_POLICY', `${path}: ${problems.join('; ')}.`, 'See ldap/docs/policy.md for its form.');
}
