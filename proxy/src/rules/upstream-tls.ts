// Certificates for upstreams (proxy.md §17.15): files that the rule file names, read when it is, so that a file that is missing
// is told at once and not with the first request.
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import type { UpstreamTls } from '../applications/application.ts';
import { proxyError } from '../errors.ts';
import type { ApplicationRow } from './rule-file.ts';

/** @throws GatewayError `ERR_PROXY_RULES_INVALID` */
export function upstreamTls({
  ca,
  certificate,
  key,
  server_name,
}: NonNullable<ApplicationRow['upstream_tls']>): UpstreamTls {
  const tls = { ca: pemOf(ca), cert: pemOf(certificate), key: pemOf(key), serverName: server_name };
  try {
    createSecureContext(tls);
  } catch (cause) {
    throw proxyError('ERR_PROXY_RULES_INVALID', `upstream_tls cannot be used: ${String(cause)}`, cause);
  }
  return tls;
}

function pemOf(path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw proxyError(
      'ERR_PROXY_RULES_INVALID',
      `upstream_tls names ${path}, which cannot be read: ${String(cause)}`,
      cause,
    );
  }
}
