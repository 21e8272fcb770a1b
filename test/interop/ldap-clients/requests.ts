// What a client sends, a line a request, as the pages of clients that cannot run here have it:
//   bind <dn> <password> = <code>           `-` for nobody
//   search <base> <scope> <filter> [attributes=a,b] [size=n] [paged=n] = <code> [<names …>]
//   compare <dn> <attribute>=<value> = true|false|<code>
// BASE, U and G stand for the base, its users and its groups. Names are values of the first RDN, in any order, `-` for the root
// DSE; `…` at the end means: and others.
import { controlOid, decodePagedResults, encodePagedResults, type Scope } from '@gatehouse/wire/ldap';
import { codeOf, controlValue, namesOf, searchRequest, type WireClient } from '../../conformance/ldap/wire-client.ts';

const base = 'dc=ldap,dc=goauthentik,dc=io';
const scopes: Readonly<Record<string, Scope>> = { base: 'baseObject', one: 'singleLevel', sub: 'wholeSubtree' };

/** @returns what was sent and what came back, in the words of the line */
export async function replay(client: WireClient, line: string): Promise<string> {
  const at = line.lastIndexOf(' = ');
  const [kind, ...words] = splitWords(line.slice(0, at));
  const wanted = line.slice(at + 3).trim();
  switch (kind) {
    case 'bind':
      return said(line, await bind(client, words));
    case 'search':
      return said(line, await search(client, words, wanted));
    case 'compare':
      return said(line, await compare(client, words));
    default:
      throw new Error(`not a request: ${line}`);
  }
}

const said = (line: string, answer: string) => `${line.slice(0, line.lastIndexOf(' = '))} = ${answer}`;

/** Filters hold spaces, so a word in parentheses ends with its last one. */
function splitWords(text: string): string[] {
  return (
    text
      .match(/\((?:[^()]|\((?:[^()]|\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))*\))*\)|"[^"]*"|\S+/g)
      ?.map((word) => word.replace(/^"|"$/g, '')) ?? []
  );
}

function expand(text: string): string {
  return text
    .replace(/\bU\b/g, `ou=users,${base}`)
    .replace(/\bG\b/g, `ou=groups,${base}`)
    .replace(/\bBASE\b/g, base);
}

async function bind(client: WireClient, [dn = '', password = '']: readonly string[]): Promise<string> {
  return String(await client.bind(dn === '-' ? '' : expand(dn), dn === '-' ? '' : password));
}

async function search(client: WireClient, words: readonly string[], wanted: string): Promise<string> {
  const [where = '', scope = '', filter = '', ...options] = words;
  const option = (name: string) => options.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1);
  const request = searchRequest(expand(where === '""' || where === '' ? '' : where), expand(filter), {
    scope: scopes[scope] ?? 'wholeSubtree',
    attributes: option('attributes')?.split(',') ?? [],
    sizeLimit: Number(option('size') ?? 0),
    timeLimit: 30,
  });
  const names: string[] = [];
  let cookie: Buffer = Buffer.alloc(0);
  const pageSize = Number(option('paged') ?? 0);
  for (;;) {
    const control = pageSize === 0 ? [] : [encodePagedResults({ size: pageSize, cookie }, true)];
    const answers = await client.request(request, control);
    names.push(...namesOf(answers).map((name) => (name === '' ? '-' : name)));
    cookie =
      pageSize === 0 || codeOf(answers) !== 0
        ? Buffer.alloc(0)
        : decodePagedResults(controlValue(answers, controlOid.pagedResults)).cookie;
    if (cookie.length === 0) return inWordsOf(wanted, codeOf(answers), names);
  }
}

/** Names in the order of the line, so that lines compare as texts. */
function inWordsOf(wanted: string, code: number, names: readonly string[]): string {
  const [, ...expected] = wanted.split(' ');
  const isOpen = expected.at(-1) === '…';
  const listed = isOpen ? expected.slice(0, -1) : expected;
  const found = listed.filter((name) => names.includes(name));
  const others = names.filter((name) => !listed.includes(name));
  const rest = isOpen ? (others.length > 0 ? ['…'] : []) : others;
  return [String(code), ...found, ...rest].join(' ');
}

async function compare(client: WireClient, [dn = '', assertion = '']: readonly string[]): Promise<string> {
  const at = assertion.indexOf('=');
  const value = Buffer.from(expand(assertion.slice(at + 1)));
  const request = { op: 'compareRequest', entry: expand(dn), attribute: assertion.slice(0, at), value } as const;
  const code = await client.code(request);
  return code === 6 ? 'true' : code === 5 ? 'false' : String(code);
}
