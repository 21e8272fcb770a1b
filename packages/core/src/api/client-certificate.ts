// The client certificate of whoever stands behind a request. An outpost hands on what its own peer has shown, if it was granted
// to; otherwise it stands in the headers that reverse proxies write, which count from trusted peers only. Nothing here says that
// a certificate is good: certificates are public, so that whom the words come from is half of the proof.
import { canonicalIp, createCidrSet } from '@gatehouse/daemon/net';
import type { Statement } from '../database/connection.ts';
import type { CoreDeps } from '../deps.ts';
import type { PresentedCertificate } from '../flows/request.ts';
import { mayEverywhere, type PrincipalRow, principalOf, rightsOfUser } from '../identity/permissions.ts';
import { passOutpostCertificate } from '../outposts/service-account.ts';
import { outpostHeader, proxyHeaders, readCertificateHeader } from './certificate-headers.ts';
import type { Asking } from './request.ts';

/** Whose client-certificate headers the core believes. */
export interface CertificatePeers {
  has(address: string): boolean;
}

/** The router on this machine, and the networks of the settings. */
export function createCertificatePeers(networks: readonly string[]): CertificatePeers {
  return createCidrSet(['127.0.0.0/8', '::1/128', ...networks]);
}

/** @param outpost user name of the outpost that has proved itself in this request */
export async function presentedCertificate(
  deps: Pick<CoreDeps, 'database' | 'certificatePeers'>,
  request: Asking,
  outpost: string | undefined,
): Promise<PresentedCertificate> {
  // A certificate that a proxy tells of is then the outpost's own, not that of whom it speaks for.
  if (outpost !== undefined) return ofOutpost(deps, request, outpost);
  const [name, another] = proxyHeaders.filter((header) => headerOf(request, header) !== '');
  if (name === undefined) return { kind: 'none' };
  const { remoteAddress } = request.socket; // none: a unix socket
  if (remoteAddress !== undefined && !deps.certificatePeers.has(canonicalIp(remoteAddress)))
    return { kind: 'unusable', by: 'proxy', reason: untrusted(name, remoteAddress) };
  if (another !== undefined)
    return { kind: 'unusable', by: 'proxy', reason: `${name} and ${another} each name a certificate` };
  return read(request, name, 'proxy');
}

const untrusted = (name: string, address: string) =>
  `${name} comes from ${address}, which is not trusted (AUTHENTIK_LISTEN__MTLS_PROXY_CIDRS names who is)`;

async function ofOutpost(
  { database }: Pick<CoreDeps, 'database'>,
  request: Asking,
  outpost: string,
): Promise<PresentedCertificate> {
  if (headerOf(request, outpostHeader) === '') return { kind: 'none' };
  const [account] = await database.rows(accountNamed, [outpost]);
  if (account === undefined || !mayEverywhere(principalOf(account, 'token'), passOutpostCertificate))
    return { kind: 'unusable', by: 'outpost', reason: `${outpost} was not granted ${passOutpostCertificate}` };
  return read(request, outpostHeader, 'outpost');
}

const accountNamed: Statement<PrincipalRow> = {
  name: 'principal: of a user name',
  text: `select u.*, ${rightsOfUser} as rights from users u
    where u.username = $1 and u.is_active and u.type = 'internal_service_account'`,
};

function read(request: Asking, name: string, by: 'outpost' | 'proxy'): PresentedCertificate {
  const found = readCertificateHeader(name, headerOf(request, name));
  return typeof found === 'string' ? { kind: 'unusable', by, reason: found } : { kind: 'presented', by, ...found };
}

/** Node joins repeated ones with commas. */
function headerOf({ headers }: Asking, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
