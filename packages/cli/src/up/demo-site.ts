// The small site behind the login of a single-command installation: shows what the proxy tells an application about whoever
// is in front of it. Knows nothing of logins itself, as the applications that people put behind a proxy.
import type { IncomingMessage } from 'node:http';
import type { Address } from '@gatehouse/daemon/config';
import { escapeHtml, type PageServer, servePages } from '../page-server.ts';

/** @param icon URL of the application's picture, for the page. @throws GatewayError `ERR_CLI_PORT_TAKEN` */
export function serveDemoSite(listen: Address, icon: () => Promise<string>): Promise<PageServer> {
  return servePages(listen, 'AUTHENTIK_LISTEN__DEMO', async (request, response) => {
    const body = page(request, await icon().catch(() => ''));
    response
      .writeHead(200, {
        'Content-Type': 'text/html; charset=utf-8',
        'Cache-Control': 'no-store',
        'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'",
      })
      .end(request.method === 'HEAD' ? undefined : body);
  });
}

const shown: readonly (readonly [string, string])[] = [
  ['User', 'x-authentik-username'],
  ['Name', 'x-authentik-name'],
  ['E-mail', 'x-authentik-email'],
  ['Groups', 'x-authentik-groups'],
  ['Application', 'x-authentik-meta-app'],
  ['Outpost', 'x-authentik-meta-outpost'],
];

const style =
  ':root{color-scheme:light dark}body{font:1rem/1.6 system-ui,sans-serif;max-width:40rem;margin:10vh auto;padding:0 1.5rem}' +
  'header{display:flex;gap:1rem;align-items:center}img{width:4rem;height:4rem}h1{font-size:1.6rem;margin:0}' +
  'table{border-collapse:collapse;width:100%;margin:1.5rem 0}th,td{text-align:left;padding:.4rem .8rem .4rem 0;' +
  'border-bottom:1px solid #8884;vertical-align:top}th{font-weight:500;opacity:.7;width:9rem}code{font-size:.9em}';

function page(request: IncomingMessage, icon: string): string {
  const rows = shown.map(([label, name]) => {
    const value = String(request.headers[name] ?? '').replaceAll('|', ', ');
    return `<tr><th scope="row">${label}</th><td>${escapeHtml(value) || '–'}</td></tr>`;
  });
  const name = String(request.headers['x-authentik-name'] ?? 'somebody');
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>Demo site</title><style>${style}</style></head><body>`,
    `<header>${icon === '' ? '' : `<img src="${escapeHtml(icon)}" alt="">`}<h1>Hello, ${escapeHtml(name)}</h1></header>`,
    '<p>This page knows no login. The front door let you in, and told it who you are, in headers:</p>',
    `<table>${rows.join('')}</table>`,
    '<p><a href="/outpost.goauthentik.io/sign_out">Sign out</a></p></body></html>',
  ].join('\n');
}
