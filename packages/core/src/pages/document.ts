// The HTML of a page: brand, settings, and the files of the bundle. Its policy lets no inline script run and no foreign page
// frame it; styles of the brand pass by a nonce.
import { randomBytes } from 'node:crypto';
import { loadManifest, type Manifest, type PageName } from '@gatehouse/web/manifest';
import type { ApiReply } from '../api/request.ts';
import { coreError } from '../errors.ts';
import type { Look } from './look.ts';

export interface Page {
  readonly name: PageName;
  readonly title: string;
  /** Read by packages/web/src/page-settings.ts. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Whether our own pages may frame it. */
  readonly framed?: boolean;
}

export type Documents = (reply: ApiReply, look: Look, page: Page) => Promise<ApiReply>;

/** Reads the manifest once, with the first page. @throws GatewayError `ERR_CORE_PAGES` when the pages are not built */
export function createDocuments(): Documents {
  let loading: Promise<Manifest> | undefined;
  return async (reply, look, page) => {
    loading ??= manifest().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    const nonce = randomBytes(16).toString('base64');
    return reply
      .header('Content-Security-Policy', policy(nonce, page.framed === true))
      .header('X-Frame-Options', page.framed === true ? 'SAMEORIGIN' : 'DENY')
      .header('X-Content-Type-Options', 'nosniff')
      .header('Referrer-Policy', 'same-origin')
      .header('Cache-Control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(html(await loading, { look, page, nonce }));
  };
}

async function manifest(): Promise<Manifest> {
  const found = await loadManifest();
  if (found !== undefined) return found;
  throw coreError('ERR_CORE_PAGES', 'The pages of the browser have not been built.', 'Run `npm run build`.');
}

/** Pictures and forms may lead anywhere: brands use foreign images, flows post to foreign applications. */
export function policy(nonce: string, framed: boolean): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "font-src 'self'",
    'img-src * data:',
    "connect-src 'self'",
    'frame-src https: http:',
    'form-action https: http:',
    "base-uri 'none'",
    `frame-ancestors ${framed ? "'self'" : "'none'"}`,
  ].join('; ');
}

interface Parts {
  readonly look: Look;
  readonly page: Page;
  readonly nonce: string;
}

function html({ theme, pages }: Manifest, { look, page, nonce }: Parts): string {
  const { script, styles, shared } = pages[page.name];
  const settings = { base: look.base, brand: look.brand, ...page.settings };
  return `${head({ look, title: page.title, theme, styles, nonce })}
${shared.map((file) => `<link rel="modulepreload" href="${assetUrl(look, file)}">`).join('\n')}
<script type="module" src="${assetUrl(look, script)}"></script>
</head>
<body>
<noscript><main class="gh-noscript"><h1>${escapeHtml(look.brand.title)}</h1><p>These pages need JavaScript. Allow it for this site and load the page again.</p></main></noscript>
<script type="application/json" id="page">${JSON.stringify(settings).replaceAll('<', '\\u003c')}</script>
</body>
</html>
`;
}

export interface Head {
  readonly look: Look;
  readonly title: string;
  readonly theme: string;
  readonly styles: readonly string[];
  /** Of the policy; lets the brand's own styles pass. */
  readonly nonce: string;
}

/** From the doctype to the last style, the head left open. */
export function head({ look, title, theme, styles, nonce }: Head): string {
  return `<!doctype html>
<html lang="en" data-theme="${escapeHtml(look.theme)}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${escapeHtml(title)} – ${escapeHtml(look.brand.title)}</title>
<link rel="icon" href="${escapeHtml(look.favicon)}">
<script src="${assetUrl(look, theme)}"></script>
${styles.map((file) => `<link rel="stylesheet" href="${assetUrl(look, file)}">`).join('\n')}
<style nonce="${nonce}">${look.customCss.replaceAll('</', '<\\/')}</style>`;
}

function assetUrl({ base }: Look, file: string): string {
  return escapeHtml(`${base}static/dist/${file}`);
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => entities[sign] ?? '');
}
