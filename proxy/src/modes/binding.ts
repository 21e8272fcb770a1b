// The original URL must belong to the application that judges it (proxy.md §5.6): otherwise a client could present its
// session of one application for another, through a reverse proxy that lets `X-Forwarded-Host` pass.
import { type Authority, defaultPort, isWithin, type Scheme } from '../request/host-name.ts';
import type { TargetUri } from '../request/target-uri.ts';
import type { ModeContext } from './context.ts';

export function isBound(
  { application, isOnly }: Pick<ModeContext, 'application' | 'isOnly'>,
  original: TargetUri,
): boolean {
  const { external, cookieDomain, mode } = application;
  const { host } = original.authority;
  if (isOnly) return true;
  if (host === external.authority.host && portOf(original) === portOf(external)) return true;
  return mode === 'forward_domain' && isWithin(host, cookieDomain);
}

function portOf({ authority, scheme }: { readonly authority: Authority; readonly scheme: Scheme }): number {
  return authority.port ?? defaultPort[scheme];
}
