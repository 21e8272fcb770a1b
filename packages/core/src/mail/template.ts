// The part of Django's template language that mails use (core.md §20.3): values, `default`, `upper`, `lower`, `title`,
// `naturaltime` and `length` filters, if, for, blocks of a parent, translations (their text as it is). Anything else is an
// error where the template is read, not where a mail is missing. Values are escaped for HTML unless told otherwise.
import { coreError } from '../errors.ts';

export type Values = Readonly<Record<string, unknown>>;
/** Text of a template by its name. @throws for one that does not exist */
export type LoadTemplate = (name: string) => Promise<string>;

type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly expression: string }
  | {
      readonly kind: 'if';
      readonly branches: readonly { readonly condition: string; readonly body: readonly Node[] }[];
    }
  | { readonly kind: 'for'; readonly name: string; readonly list: string; readonly body: readonly Node[] }
  | { readonly kind: 'block'; readonly name: string; readonly body: readonly Node[] };

interface Template {
  readonly parent: string | undefined;
  readonly nodes: readonly Node[];
}

/** @throws GatewayError `ERR_CORE_MAIL_TEMPLATE` */
export async function renderTemplate(
  name: string,
  values: Values,
  load: LoadTemplate,
  { escaped = true, nowMs = Date.now() } = {},
): Promise<string> {
  const blocks = new Map<string, readonly Node[]>();
  let current = parseTemplate(await load(name), name);
  for (let depth = 0; current.parent !== undefined; depth += 1) {
    if (depth > 8) throw templateFault(name, 'its parents lead in a circle');
    for (const node of current.nodes)
      if (node.kind === 'block' && !blocks.has(node.name)) blocks.set(node.name, node.body);
    current = parseTemplate(await load(current.parent), current.parent);
  }
  return renderNodes(current.nodes, { name, values, blocks, escaped, nowMs });
}

const tokens = /\{\{\s*(.*?)\s*\}\}|\{%\s*(.*?)\s*%\}|\{#.*?#\}/gs;

/** @throws GatewayError `ERR_CORE_MAIL_TEMPLATE` for what is not in the subset */
export function parseTemplate(text: string, name: string): Template {
  const parser = new Parser(text, name);
  return parser.parse();
}

class Parser {
  readonly #name: string;
  readonly #parts: { readonly value?: string; readonly tag?: string; readonly text?: string }[] = [];
  #at = 0;
  #parent: string | undefined;

  constructor(text: string, name: string) {
    this.#name = name;
    let last = 0;
    for (const match of text.matchAll(tokens)) {
      this.#parts.push({ text: text.slice(last, match.index) });
      if (match[1] !== undefined) this.#parts.push({ value: match[1] });
      else if (match[2] !== undefined) this.#parts.push({ tag: match[2] });
      last = match.index + match[0].length;
    }
    this.#parts.push({ text: text.slice(last) });
  }

  parse(): Template {
    const { nodes, end } = this.#nodes([]);
    if (end !== undefined) throw templateFault(this.#name, `{% ${end} %} ends nothing`);
    return { parent: this.#parent, nodes };
  }

  /** Up to one of these tags, which is taken too. */
  #nodes(until: readonly string[]): { nodes: Node[]; end: string | undefined } {
    const nodes: Node[] = [];
    while (this.#at < this.#parts.length) {
      const { text, value, tag } = this.#parts[this.#at] ?? {};
      this.#at += 1;
      if (text !== undefined && text !== '') nodes.push({ kind: 'text', text });
      if (value !== undefined) nodes.push({ kind: 'value', expression: this.#checked(value) });
      if (tag === undefined) continue;
      const [word = ''] = tag.split(/\s+/);
      if (until.includes(word)) return { nodes, end: tag };
      const node = this.#tag(word, tag.slice(word.length).trim());
      if (node !== undefined) nodes.push(...(Array.isArray(node) ? node : [node]));
    }
    if (until.length > 0) throw templateFault(this.#name, `{% ${until.at(-1)} %} is missing`);
    return { nodes, end: undefined };
  }

  #tag(word: string, rest: string): Node | Node[] | undefined {
    switch (word) {
      case 'load':
      case 'autoescape':
      case 'endautoescape':
        return undefined;
      case 'extends':
        this.#parent = rest.replace(/^["']|["']$/g, '');
        return undefined;
      case 'block':
        return { kind: 'block', name: rest, body: this.#nodes(['endblock']).nodes };
      case 'trans':
      case 'translate':
        return { kind: 'text', text: rest.replace(/^["']|["'].*$/g, '') };
      case 'blocktrans':
      case 'blocktranslate':
        return this.#nodes(['endblocktrans', 'endblocktranslate']).nodes;
      case 'if':
        return this.#if(rest);
      case 'for': {
        const [, name = '', list = ''] = /^(\w+)\s+in\s+(\S+)$/.exec(rest) ?? [];
        if (name === '') throw templateFault(this.#name, `{% for ${rest} %} is not understood`);
        return { kind: 'for', name, list, body: this.#nodes(['endfor']).nodes };
      }
      default:
        throw templateFault(this.#name, `{% ${word} %} is not part of the templates that mails use`);
    }
  }

  #if(first: string): Node {
    const branches: { condition: string; body: Node[] }[] = [];
    let condition = first;
    for (;;) {
      const { nodes, end = '' } = this.#nodes(['elif', 'else', 'endif']);
      branches.push({ condition, body: nodes });
      if (end === 'endif') return { kind: 'if', branches };
      condition = end === 'else' ? 'True' : end.replace(/^elif\s+/, '');
    }
  }

  #checked(expression: string): string {
    for (const filter of splitFilters(expression).slice(1)) {
      const [word = ''] = filter.split(':');
      if (!Object.hasOwn(filters, word)) throw templateFault(this.#name, `the filter ${word} is not known`);
    }
    return expression;
  }
}

interface Rendering {
  readonly name: string;
  readonly values: Values;
  readonly blocks: ReadonlyMap<string, readonly Node[]>;
  readonly escaped: boolean;
  readonly nowMs: number;
}

function renderNodes(nodes: readonly Node[], to: Rendering): string {
  return nodes.map((node) => renderNode(node, to)).join('');
}

function renderNode(node: Node, to: Rendering): string {
  switch (node.kind) {
    case 'text':
      return node.text;
    case 'value': {
      const { value, safe } = evaluateExpression(node.expression, to);
      const text = value === undefined || value === null ? '' : String(value);
      return to.escaped && !safe ? escapeHtml(text) : text;
    }
    case 'block':
      return renderNodes(to.blocks.get(node.name) ?? node.body, to);
    case 'if': {
      const branch = node.branches.find(({ condition }) => holds(condition, to));
      return branch === undefined ? '' : renderNodes(branch.body, to);
    }
    case 'for': {
      const { value } = evaluateExpression(node.list, to);
      const items: readonly unknown[] = Array.isArray(value) ? value : [];
      return items
        .map((item) => renderNodes(node.body, { ...to, values: { ...to.values, [node.name]: item } }))
        .join('');
    }
  }
}

/** `a`, `not a`, `a and b`, `a or b`, `a == b`, `a != b`. */
function holds(condition: string, to: Rendering): boolean {
  if (condition.includes(' or ')) return condition.split(' or ').some((part) => holds(part, to));
  if (condition.includes(' and ')) return condition.split(' and ').every((part) => holds(part, to));
  const trimmed = condition.trim();
  if (trimmed.startsWith('not ')) return !holds(trimmed.slice(4), to);
  const [, left, operator, right] = /^(.+?)\s*(==|!=)\s*(.+)$/.exec(trimmed) ?? [];
  if (left !== undefined && right !== undefined)
    return (evaluateExpression(left, to).value === evaluateExpression(right, to).value) === (operator === '==');
  const { value } = evaluateExpression(trimmed, to);
  return Array.isArray(value) ? value.length > 0 : Boolean(value);
}

const splitFilters = (expression: string) => expression.split(/\s*\|\s*(?=(?:[^"]*"[^"]*")*[^"]*$)/);

function evaluateExpression(expression: string, to: Rendering): { value: unknown; safe: boolean } {
  const [path = '', ...rest] = splitFilters(expression.trim());
  let value = lookUp(path, to.values);
  let safe = false;
  for (const filter of rest) {
    const [word = '', ...argument] = filter.split(':');
    if (word === 'safe') safe = true;
    const given = argument.length === 0 ? undefined : lookUp(argument.join(':'), to.values);
    value = filters[word]?.(value, given, to.nowMs) ?? value;
  }
  return { value, safe };
}

const constants: Readonly<Record<string, unknown>> = { True: true, False: false, None: null };

function lookUp(path: string, values: Values): unknown {
  const quoted = /^(?:"([^"]*)"|'([^']*)')$/.exec(path);
  if (quoted !== null) return quoted[1] ?? quoted[2];
  if (/^-?\d+(\.\d+)?$/.test(path)) return Number(path);
  if (Object.hasOwn(constants, path)) return constants[path];
  return path
    .split('.')
    .reduce<unknown>(
      (inner, step) => (isObject(inner) && Object.hasOwn(inner, step) ? inner[step] : undefined),
      values,
    );
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

type Filter = (value: unknown, argument: unknown, nowMs: number) => unknown;
const filters: Readonly<Record<string, Filter>> = {
  default: (value, argument) => (value === undefined || value === null || value === '' ? argument : value),
  upper: (value) => String(value ?? '').toUpperCase(),
  lower: (value) => String(value ?? '').toLowerCase(),
  title: (value) => String(value ?? '').replaceAll(/\b\w/g, (letter) => letter.toUpperCase()),
  length: (value) => (Array.isArray(value) || typeof value === 'string' ? value.length : 0),
  safe: (value) => value,
  escape: (value) => value,
  naturaltime: (value, _argument, nowMs) => naturalTime(value, nowMs),
};

/** "30 minutes from now", "2 days ago". */
function naturalTime(value: unknown, nowMs: number): unknown {
  const at = value instanceof Date ? value.getTime() : Date.parse(String(value));
  if (Number.isNaN(at)) return value;
  const seconds = Math.round(Math.abs(at - nowMs) / 1000);
  const units = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
    ['second', 1],
  ] as const;
  const [unit, size] = units.find(([, each]) => seconds >= each) ?? ['second', 1];
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? '' : 's'} ${at >= nowMs ? 'from now' : 'ago'}`;
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#x27;',
};
const escapeHtml = (text: string) => text.replaceAll(/[&<>"']/g, (letter) => entities[letter] ?? letter);

function templateFault(name: string, what: string) {
  return coreError('ERR_CORE_MAIL_TEMPLATE', `The mail template ${name} cannot be used: ${what}.`, 'Correct the file.');
}
