// The status table as a page on loopback: readable without scripts, refreshed by one line of HTML. It names no secrets, and
// answers only to names of this machine, so that no foreign page can read it through a name of its own.
import type { Address } from '@gatehouse/daemon/config';
import { escapeHtml, type PageServer, servePages } from '../page-server.ts';
import type { Look } from './collect.ts';
import { cellsOf, columns, totalOf } from './table.ts';

const style =
  ':root{color-scheme:light dark}body{font:15px/1.5 system-ui,sans-serif;margin:2rem}table{border-collapse:collapse}' +
  'th,td{text-align:left;padding:.35rem .9rem .35rem 0;border-bottom:1px solid #8884;white-space:nowrap}' +
  'td:last-child{white-space:normal}.ready{color:#1a7f37}.down,.failed{color:#c62828}.degraded,.starting{color:#a15c00}' +
  'h1{font-size:1.3rem}';
const policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/** @throws GatewayError `ERR_CLI_PORT_TAKEN` */
export function serveStatusPage(listen: Address, look: () => Promise<Look>): Promise<PageServer> {
  return servePages(listen, 'AUTHENTIK_LISTEN__STATUS', async (request, response) => {
    if (!isOwnName(request.headers.host ?? '')) return void response.writeHead(403).end();
    const json = request.url === '/status.json';
    const seen = await look();
    const body = json ? `${JSON.stringify(seen)}\n` : pageOf(seen);
    const type = json ? 'application/json' : 'text/html; charset=utf-8';
    response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store', 'Content-Security-Policy': policy });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
}

function isOwnName(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host);
}

function pageOf(look: Look): string {
  const rows = look.processes.map((row) => {
    const cells = cellsOf(row).map(
      (cell, at) => `<td${at === 1 ? ` class="${row.state}"` : ''}>${escapeHtml(cell)}</td>`,
    );
    return `<tr>${cells.join('')}</tr>`;
  });
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="2">',
    `<title>gatehouse status</title><style>${style}</style></head><body><h1>gatehouse</h1>`,
    `<table><thead><tr>${columns.map((name) => `<th scope="col">${name}</th>`).join('')}</tr></thead>`,
    `<tbody>${rows.join('')}</tbody></table><p>${totalOf(look)} · ${new Date(look.atMs).toISOString().slice(11, 19)} UTC</p>`,
    '</body></html>',
  ].join('\n');
}
