// Which headers tell an application who is there (proxy.md §17.19): the documented ones, those of a preset that other
// gateways use, and any claim under any name; less what is left out. Made once per identity.
import type { Claims } from '../oidc/claims.ts';
import { glob } from '../rules/glob.ts';
import type { HeaderRow } from '../rules/rule-file.ts';
import { fieldKey, isFieldName } from './field.ts';
import { isAssertable } from './identity-headers.ts';

export interface HeaderMapping {
  /** Names and texts that are added. */
  extra(claims: Claims): (readonly [string, string])[];
  /** Whether a header of this name is told. */
  keeps(name: string): boolean;
  /** The groups that are told. */
  groups(claims: Claims): readonly string[];
  readonly encoding: 'raw' | 'percent' | 'rfc2047';
  readonly budgetBytes: number;
}

export const plainMapping: HeaderMapping = {
  extra: () => [],
  keeps: () => true,
  groups: ({ groups }) => groups,
  encoding: 'raw',
  budgetBytes: 16_384,
};

type Source = (claims: Claims, groups: readonly string[]) => string;

const user: Source = ({ preferredUsername, sub }) => preferredUsername || sub;
const groupList: Source = (_, groups) => groups.join(',');
const email: Source = (claims) => claims.email;
const name: Source = (claims) => claims.name;
const token: Source = ({ rawToken }) => rawToken;

/** Names as oauth2-proxy, Authelia, Grafana and their like send them. */
const presets: Readonly<Record<HeaderRow['preset'][number], Readonly<Record<string, Source>>>> = {
  'remote-user': { 'Remote-User': user, 'Remote-Groups': groupList, 'Remote-Email': email, 'Remote-Name': name },
  'x-forwarded-user': {
    'X-Forwarded-User': ({ sub }) => sub,
    'X-Forwarded-Preferred-Username': user,
    'X-Forwarded-Email': email,
    'X-Forwarded-Groups': groupList,
    'X-Forwarded-Access-Token': token,
  },
  'x-auth-request': {
    'X-Auth-Request-User': ({ sub }) => sub,
    'X-Auth-Request-Preferred-Username': user,
    'X-Auth-Request-Email': email,
    'X-Auth-Request-Groups': groupList,
  },
  'x-webauth-user': { 'X-WEBAUTH-USER': user, 'X-WEBAUTH-NAME': name, 'X-WEBAUTH-EMAIL': email },
};

export function headerMapping(row: HeaderRow | undefined): HeaderMapping {
  if (row === undefined) return plainMapping;
  const omitted = new Set(row.omit.map(fieldKey));
  const told = row.groups?.map((pattern) => glob(pattern, '/'));
  const groups = (claims: Claims) =>
    told === undefined ? claims.groups : claims.groups.filter((group) => told.some((one) => one.matches(group)));
  return {
    encoding: row.encoding,
    budgetBytes: row.budget_bytes,
    groups,
    keeps: (header) => !omitted.has(fieldKey(header)),
    extra(claims) {
      const shown = groups(claims);
      const ofPresets = row.preset.flatMap((preset) =>
        Object.entries(presets[preset]).map(([header, source]) => [header, source(claims, shown)] as const),
      );
      const own = Object.entries(row.set).map(
        ([header, mapping]) => [header, claimText(claims, shown, mapping)] as const,
      );
      return [...ofPresets, ...own].filter(([header]) => isFieldName(header) && isAssertable(header));
    },
  };
}

/** Empty where there is no such claim: a header that is missing could be the client's own. */
function claimText(
  claims: Claims,
  groups: readonly string[],
  { claim, format, separator }: HeaderRow['set'][string],
): string {
  const value = claim === 'groups' ? groups : claimAt(payloadOf(claims), claim.split('.'));
  if (value === undefined || value === null) return '';
  if (format === 'json') return JSON.stringify(value);
  const text = Array.isArray(value) ? value.map(textOf).join(separator) : textOf(value);
  return format === 'base64' ? Buffer.from(text, 'utf8').toString('base64') : text;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function claimAt(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return claimAt(Object.entries(value).find(([name]) => name === key)?.[1], rest);
}

/** The token was verified, or vouched for by the core, when the claims were made from it. */
function payloadOf({ rawToken }: Claims): unknown {
  try {
    return JSON.parse(Buffer.from(rawToken.split('.')[1] ?? '', 'base64url').toString('utf8'));
  } catch {
    return undefined; // an opaque token has no claims to look into
  }
}
