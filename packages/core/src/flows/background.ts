// The picture behind a flow (files.md §7.6, §9): its own, else that of the brand the visitor sees; URLs made for this answer.
import { brandOfHost, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';

export async function flowBackground(deps: CoreDeps, background: string, host: string) {
  const value = background === '' ? brandValue(await brandOfHost(deps, host), backgroundOfBrand) : background;
  return { background: await deps.files.url(value), background_themed_urls: await deps.files.themedUrls(value) };
}

const backgroundOfBrand = 'branding_default_flow_background';
