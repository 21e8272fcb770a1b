// A table (RFC 4180) with a line of names: `username` is needed; `name`, `email`, `groups` (by `;`), `password_hash`,
// `is_active`, and `attributes.<name>` are understood.
import { keepHash } from './hashes.ts';
import { type Directory, importFault, type Person } from './people.ts';

/** @throws GatewayError `ERR_CORE_IMPORT` */
export function readCsv(text: string): Directory {
  const [header = [], ...rows] = readRows(text.replace(/^\uFEFF/, ''));
  const names = header.map((name) => name.trim());
  if (!names.includes('username')) throw importFault('there is no column username', 'line 1');
  const unknown = names.filter((name) => !known.has(name) && !name.startsWith('attributes.'));
  if (unknown.length > 0) throw importFault(`these columns are not understood: ${unknown.join(', ')}`, 'line 1');
  const warnings: string[] = [];
  const people = rows.map((row, at) => personOf(names, row, at + 2, warnings));
  const groups = [...new Set(people.flatMap((person) => person.groups))];
  return { people, groups: groups.map((name) => ({ name, attributes: {}, parents: [] })), warnings };
}

const known = new Set(['username', 'name', 'email', 'groups', 'password_hash', 'is_active']);

function personOf(names: readonly string[], row: readonly string[], line: number, warnings: string[]): Person {
  const cell = (name: string) => row[names.indexOf(name)]?.trim() ?? '';
  const username = cell('username');
  if (username === '') throw importFault('the username is empty', `line ${line}`);
  const hash = names.includes('password_hash') ? cell('password_hash') : '';
  const password = hash === '' ? undefined : keepHash(hash);
  if (hash !== '' && password === undefined) warnings.push(`${username}: the hash of the password cannot be kept`);
  const attributes: Record<string, unknown> = {};
  for (const name of names)
    if (name.startsWith('attributes.') && cell(name) !== '')
      attributes[name.slice('attributes.'.length)] = typed(cell(name));
  return {
    username,
    name: cell('name') === '' ? username : cell('name'),
    email: cell('email'),
    isActive: !/^(?:false|no|0)$/i.test(names.includes('is_active') ? cell('is_active') : 'true'),
    password,
    groups: cell('groups')
      .split(';')
      .map((name) => name.trim())
      .filter(Boolean),
    attributes,
  };
}

const typed = (value: string): unknown => (/^-?\d{1,15}$/.test(value) ? Number(value) : value);

function readRows(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  // A cell in quotes, in which two quotes stand for one, or a plain one; then what ends it.
  for (const [, quoted, plain = '', end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|$)/g)) {
    row.push(quoted === undefined ? plain : quoted.replaceAll('""', '"'));
    if (end === ',') continue;
    if (row.length > 1 || row[0] !== '') rows.push(row);
    row = [];
  }
  return rows;
}
