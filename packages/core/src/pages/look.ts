// How pages look to a visitor of a host: the brand's title, pictures, theme and styles.
import { z } from 'zod';
import { type BrandRecord, brandOfHost, brandTitle, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';

export interface Themed {
  readonly light: string;
  readonly dark: string;
}

export interface Look {
  /** URL prefix of everything. */
  readonly base: string;
  readonly theme: 'automatic' | 'light' | 'dark';
  readonly favicon: string;
  readonly customCss: string;
  readonly brand: {
    readonly title: string;
    readonly logo: string;
    readonly logoThemed: Themed | null;
    readonly footerLinks: readonly { readonly name: string; readonly href: string }[];
  };
}

const themeSetting = z.object({ settings: z.object({ theme: z.object({ base: z.enum(['light', 'dark']) }) }) });

export async function lookOf(deps: CoreDeps, host: string): Promise<Look> {
  const brand = await brandOfHost(deps, host);
  const value = (name: Parameters<typeof brandValue>[1]) => brandValue(brand, name);
  return {
    base: deps.webPath,
    theme: themeOf(brand),
    favicon: await deps.files.url(value('branding_favicon')),
    customCss: String(value('branding_custom_css') ?? ''),
    brand: {
      title: brandTitle(brand),
      logo: await deps.files.url(value('branding_logo')),
      logoThemed: await deps.files.themedUrls(value('branding_logo')),
      footerLinks: deps.settings.current().footer_links,
    },
  };
}

/** `settings.theme.base` of the brand's attributes; anything else leaves it to the device. */
function themeOf(brand: BrandRecord | undefined): Look['theme'] {
  return themeSetting.safeParse(brand?.attributes).data?.settings.theme.base ?? 'automatic';
}
