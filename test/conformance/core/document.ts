// Holds real answers against our own OpenAPI document: every field of an answer has to be in it, with its type.
import { Ajv, type ValidateFunction } from 'ajv';

export interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Record<string, Answer> }>>>>;
  readonly components: { readonly schemas: Record<string, unknown> };
}
interface Answer {
  readonly content?: Readonly<Record<string, { readonly schema?: unknown }>>;
}

/** `nullable: true` of OpenAPI 3.0 in the words of JSON Schema; references into the added document. */
export function nullable(node: unknown, id: string): unknown {
  if (Array.isArray(node)) return node.map((one) => nullable(one, id));
  if (typeof node !== 'object' || node === null) return node;
  const { nullable: mayBeNull, $ref, ...rest } = node as Record<string, unknown>;
  const plain = Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, nullable(value, id)]));
  const here = typeof $ref === 'string' ? { ...plain, $ref: `${id}${$ref}` } : plain;
  return mayBeNull === true ? { anyOf: [here, { type: 'null' }] } : here;
}

/** Documents allow clients to meet fields they do not know; here each field has to be documented. */
export function whole({ schemas }: Document['components']): Document['components'] {
  const closed = Object.entries(schemas).map(([name, schema]) => [
    name,
    name.endsWith('Error') ? schema : { ...(schema as object), additionalProperties: false },
  ]);
  return { schemas: Object.fromEntries(closed) };
}

/** The same of shapes that stand in an operation itself. */
function closed(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const inner = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closed(value)]));
  return 'properties' in inner && !('additionalProperties' in inner)
    ? { ...inner, additionalProperties: false }
    : inner;
}

export interface AnswerCheck {
  /** What is wrong with an answer by the document. @param path below `/api/v3`, with its query or without */
  problems(method: string, path: string, answer: { readonly status: number; readonly text: string }): string[];
  /** Operations that were looked at. */
  readonly checked: ReadonlySet<string>;
}

export function createAnswerCheck(document: Document): AnswerCheck {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  ajv.addSchema({ $id: 'ours', components: nullable(whole(document.components), 'ours') });
  const compiled = new Map<string, ValidateFunction>();
  const checked = new Set<string>();
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{\w+\}/g, '[^/]+')}$`),
  }));
  const templateOf = (path: string) =>
    path in document.paths ? path : templates.find(({ pattern }) => pattern.test(path))?.path;
  return {
    checked,
    problems(method, address, { status, text }) {
      const [path = ''] = address.split('?');
      const template = templateOf(path) ?? path;
      const name = `${method} ${template}`;
      const found = document.paths[template]?.[method.toLowerCase()]?.responses[String(status)];
      if (status < 200 || status > 299) return [];
      checked.add(name);
      if (found === undefined) return [`${name} answers ${status}, which is not documented`];
      const schema = found.content?.['application/json']?.schema;
      if (schema === undefined) return [];
      const check = compiled.get(name) ?? ajv.compile(nullable(closed(schema), 'ours') as object);
      compiled.set(name, check);
      if (check(JSON.parse(text))) return [];
      const errors = (check.errors ?? []).map(
        ({ instancePath, message, params }) =>
          `${name} ${instancePath.replace(/\/\d+/g, '/n')} ${message} ${JSON.stringify(params)}`,
      );
      return [...new Set(errors)];
    },
  };
}
