// What the core writes into a page (packages/core/src/pages): read once at the start of each page.

export interface Themed {
  readonly light: string;
  readonly dark: string;
}

export interface Brand {
  readonly title: string;
  readonly logo: string;
  readonly logoThemed: Themed | null;
  readonly footerLinks: readonly { readonly name: string; readonly href: string }[];
}

export interface PageSettings {
  /** URL prefix of everything; starts and ends with `/`. */
  readonly base: string;
  readonly brand: Brand;
  /** Of a flow page. */
  readonly flow?: {
    readonly slug: string;
    readonly layout: string;
    readonly background: string;
    readonly background_themed_urls: Themed | null;
  };
}

let known: PageSettings | undefined;

/** Kept from the first call on, since pages replace the whole document. @throws Error when the page carries none, which only
 * a foreign page does */
export function readPageSettings(): PageSettings {
  known ??= settingsOf(document.getElementById('page')?.textContent ?? '');
  return known;
}

function settingsOf(text: string): PageSettings {
  if (text === '') throw new Error('This page carries no settings.');
  return JSON.parse(text);
}

/** The variant for the theme that is shown; the plain value where there are none. */
export function themed(plain: string, variants: Themed | null | undefined): string {
  if (variants === null || variants === undefined) return plain;
  return document.documentElement.dataset['shown'] === 'dark' ? variants.dark : variants.light;
}
