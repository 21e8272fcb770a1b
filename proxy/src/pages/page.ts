// The few pages of our own (proxy.md §9.9, §17.29): self-contained, light and dark, no script, with a JSON twin. Text from
// outside is escaped; nothing here shows a token.
import { createHash } from 'node:crypto';
import { cookies, noStore, type Refused, type RefusedStatus } from '../request/answer.ts';
import { header, type Incoming } from '../request/incoming.ts';

export interface Page {
  readonly status: RefusedStatus;
  readonly title: string;
  readonly text: string;
  /** What to do about it, for whoever runs this. */
  readonly hint?: string;
  readonly link?: { readonly href: string; readonly label: string };
  /** Renders a button that posts to this path instead of a link. */
  readonly post?: { readonly action: string; readonly label: string };
  readonly setCookies?: readonly string[];
  readonly headers?: readonly string[];
}

const style = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:36rem;margin:12vh auto;padding:0 1.5rem}
h1{font-size:1.5rem}small{opacity:.7}a,button{font:inherit}`;
const policy = `default-src 'none'; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'self'; frame-ancestors 'none'`;

export function page(request: Incoming, given: Page): Refused {
  const extra = [...(given.headers ?? []), ...cookies(given.setCookies ?? [])];
  if (prefersJson(request)) {
    const body = JSON.stringify({ error: given.title, detail: given.text, request_id: request.requestId });
    const headers = [...noStore, 'Content-Type', 'application/json', ...extra];
    return { kind: 'refused', status: given.status, headers, body: `${body}\n` };
  }
  const headers = [
    ...noStore,
    'Content-Type',
    'text/html; charset=utf-8',
    'Content-Security-Policy',
    policy,
    'X-Content-Type-Options',
    'nosniff',
    'X-Robots-Tag',
    'noindex',
    ...extra,
  ];
  return { kind: 'refused', status: given.status, headers, body: html(request, given) };
}

/** JSON named, HTML not: an API client (§5.7). */
export function prefersJson(request: Incoming): boolean {
  const accept = header(request, 'accept').toLowerCase();
  return accept.includes('application/json') && !accept.includes('text/html');
}

function html(request: Incoming, { title, text, hint, link, post }: Page): string {
  const parts = [`<h1>${escapeHtml(title)}</h1>`, `<p>${escapeHtml(text)}</p>`];
  if (hint !== undefined) parts.push(`<p>${escapeHtml(hint)}</p>`);
  if (link !== undefined) parts.push(`<p><a href="${escapeHtml(link.href)}">${escapeHtml(link.label)}</a></p>`);
  if (post !== undefined) {
    parts.push(
      `<form method="post" action="${escapeHtml(post.action)}"><button>${escapeHtml(post.label)}</button></form>`,
    );
  }
  parts.push(`<p><small>Request ${escapeHtml(request.requestId)}</small></p>`);
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${escapeHtml(title)}</title><style>${style}</style></head><body>${parts.join('\n')}</body></html>
`;
}

function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replace(/[&<>"']/g, (letter) => entities[letter] ?? letter);
}
