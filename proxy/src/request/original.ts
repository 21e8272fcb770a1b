// Where a reverse proxy says the original request went (proxy.md §5.2–5.4): one reader per kind, each giving the same
// TargetUri or nothing. Nothing means the reverse proxy is not configured as it must be, and the answer is a refusal.
import { parseScheme, type Scheme } from './host-name.ts';
import { header, type Incoming } from './incoming.ts';
import { absoluteTargetUri, type TargetUri, targetUri } from './target-uri.ts';

/** Traefik, Caddy, HAProxy: three headers, all needed. */
export function originalFromForwarded(request: Incoming): TargetUri | undefined {
  const scheme = parseScheme(header(request, 'x-forwarded-proto'));
  const target = header(request, 'x-forwarded-uri');
  if (scheme === undefined) return undefined;
  return targetUri(scheme, header(request, 'x-forwarded-host'), target === '' ? '/' : target);
}

/** nginx: `X-Original-URI` (relative) wins over `X-Original-URL` (absolute). */
export function originalFromNginx(request: Incoming, fallback: Scheme): TargetUri | undefined {
  const relative = header(request, 'x-original-uri');
  if (relative !== '') {
    const scheme = parseScheme(header(request, 'x-forwarded-proto')) ?? fallback;
    return targetUri(scheme, header(request, 'x-forwarded-host') || header(request, 'host'), relative);
  }
  return absoluteTargetUri(header(request, 'x-original-url'));
}

export const envoyPrefix = '/outpost.goauthentik.io/auth/envoy';

/** Envoy: the original path follows the prefix; cut from the raw target, so that its encoding survives. */
export function originalFromEnvoy(request: Incoming, fallback: Scheme): TargetUri | undefined {
  const rest = request.rawTarget.slice(envoyPrefix.length);
  const scheme = parseScheme(header(request, 'x-forwarded-proto')) ?? fallback;
  return targetUri(scheme, header(request, 'host'), rest.startsWith('/') ? rest : `/${rest}`);
}

/** True for the Envoy prefix itself and what lies below it, not for `…/auth/envoyfoo`. */
export function isEnvoyTarget(rawTarget: string): boolean {
  return rawTarget.startsWith(envoyPrefix) && /^(?:$|[/?])/.test(rawTarget.slice(envoyPrefix.length));
}
