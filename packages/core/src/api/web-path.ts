// The URL prefix of everything (`web.path`, router.md §6): taken off at the door, so that routes know nothing of it; whoever
// makes an address for a browser or an application puts `deps.webPath` in front.
import type { CoreDeps } from '../deps.ts';
import type { ApiRequest } from './request.ts';
import { originOf } from './request.ts';

/** A path that no route has. */
const outside = '/-/outside/';

/** The target as routes know it. */
export function withoutWebPath(target: string, webPath: string): string {
  if (webPath === '/') return target;
  return target.startsWith(webPath) ? target.slice(webPath.length - 1) : outside;
}

/** Base of the addresses by which this caller can reach us again: scheme, host and prefix, with a final slash. */
export function baseUrlOf({ webPath }: Pick<CoreDeps, 'webPath'>, request: ApiRequest): string {
  return `${originOf(request)}${webPath}`;
}
