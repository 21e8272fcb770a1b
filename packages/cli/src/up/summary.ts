// What `gatehouse up` tells when everything runs: what listens where, how to log in, what to try.
import { type Address, formatAddress } from '@gatehouse/daemon/config';
import type { Secrets } from './secrets.ts';

export interface Summary {
  readonly listeners: Readonly<Record<'http' | 'core' | 'ldap' | 'ldaps' | 'radius', Address | undefined>>;
  readonly secrets: Secrets;
  /** Page of `gatehouse status`. */
  readonly status: Address;
  /** Of all processes; absent where the system does not tell. */
  readonly memoryBytes: number | undefined;
  readonly dataDir: string;
  /** URL prefix of front door and core. */
  readonly webPath: string;
  readonly tookMs: number;
  readonly colour: boolean;
}

export function formatSummary(summary: Summary): string {
  const { listeners, dataDir, webPath, secrets, tookMs, colour } = summary;
  const paint = (code: number) => (text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  const [bold, dim, green, cyan] = [paint(1), paint(2), paint(32), paint(36)];
  const { http, core, ldap, ldaps, radius } = listeners;
  const rows: (readonly [string, string | undefined])[] = [
    ['demo site', http && `http://demo.localhost:${http.port}/  (log in as ada)`],
    ['front door', http && `http://localhost:${http.port}${webPath}`],
    ['core', core && `http://${formatAddress(core)}${webPath}api/v3/`],
    ['LDAP', ldap && `ldap://${formatAddress(ldap)}`],
    ['LDAP over TLS', ldaps && `ldaps://${formatAddress(ldaps)}`],
    ['RADIUS', radius && `${formatAddress(radius)} (udp)`],
    ['status', `http://${formatAddress(summary.status)}/  or: gatehouse status`],
    ['data', dataDir],
    ['administrator', `akadmin, password ${bold(secrets.adminPassword)}`],
    ['demo users', `ada, grace, alan, …, password ${bold(secrets.demoPassword)}`],
  ];
  const lines = rows.flatMap(([name, value]) => (value === undefined ? [] : [`  ${cyan(name.padEnd(14))} ${value}`]));
  return [
    '',
    `${green('●')} ${bold('gatehouse is running')} ${dim(`(ready after ${(tookMs / 1000).toFixed(1)} s${memoryText(summary.memoryBytes)})`)}`,
    '',
    ...lines,
    '',
    `  ${bold('Try')}`,
    ...commandsToTry(summary).map((command) => `    ${command}`),
    '',
    `  ${dim('Ctrl-C stops everything.')}`,
    '',
  ].join('\n');
}

function memoryText(bytes: number | undefined): string {
  return bytes === undefined || bytes === 0 ? '' : `, ${Math.round(bytes / 1_048_576)} MB in all`;
}

/** Ready to paste into a shell. */
function commandsToTry({ listeners: { ldap, core, radius }, secrets, webPath }: Summary): string[] {
  const base = 'dc=ldap,dc=goauthentik,dc=io';
  const commands: string[] = [];
  if (ldap !== undefined) {
    const client = `-x -H ldap://${formatAddress(ldap)}`;
    const as = (name: string) => `-D cn=${name},ou=users,${base} -w ${secrets.demoPassword}`;
    commands.push(`ldapsearch ${client} ${as('ldapservice')} -b ${base} '(uid=*)' cn memberOf`);
    commands.push(`ldapwhoami ${client} ${as('ada')}`);
  }
  if (radius !== undefined)
    commands.push(`radtest ada ${secrets.demoPassword} ${formatAddress(radius)} 0 ${secrets.radiusSecret}`);
  if (core !== undefined)
    commands.push(
      `curl -H "Authorization: Bearer ${secrets.adminToken}" http://${formatAddress(core)}${webPath}api/v3/core/users/`,
    );
  return commands;
}
