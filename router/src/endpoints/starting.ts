// The answer before the core has become healthy, and while it restarts (router.md §11.1): 503 with Retry-After, as HTML,
// JSON or text by what the client accepts. The page is self-contained and keeps asking until the core is ready.
import type { ServerResponse } from 'node:http';
import { type Situation, situations } from '../errors.ts';

const retryAfterS = 5;

export interface StartingOptions {
  readonly webPath: string;
  readonly requestId: string;
  /** What the core is doing, for people: "upgrading the database". */
  readonly detail: string | undefined;
}

export function answerStarting(response: ServerResponse, accept: string, options: StartingOptions): void {
  response.setHeader('Retry-After', String(retryAfterS));
  answerSituation(response, accept, 'starting', options);
}

/** One body per situation, in the form the client accepts; nothing internal in it. */
export function answerSituation(
  response: ServerResponse,
  accept: string,
  situation: Situation,
  options: StartingOptions,
): void {
  const { status, text } = situations[situation];
  response.setHeader('Cache-Control', 'no-store');
  response.setHeader('X-authentik-id', options.requestId);
  if (accept.includes('application/json')) {
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(`${JSON.stringify({ error: text })}\n`);
  } else if (accept.includes('text/html')) {
    const page = situation === 'starting' ? startingPage(options) : situationPage(text, options.requestId);
    response
      .writeHead(status, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': pagePolicy })
      .end(page);
  } else {
    response.writeHead(status, { 'Content-Type': 'text/plain' }).end(text);
  }
}

const pagePolicy =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'";

function startingPage(options: StartingOptions): string {
  const probe = JSON.stringify(`${options.webPath}-/health/ready/`).replaceAll('<', '\\u003c');
  const detail = options.detail === undefined ? '' : `<p>${escapeHtml(options.detail)}</p>`;
  return page(
    'Starting',
    `<h1>Starting</h1><p role="status">The service is starting. This page continues by itself.</p>${detail}
<noscript><p>Reload this page in a few seconds.</p></noscript>
<script>
let wait = 1000;
async function ask() {
  try { const answer = await fetch(${probe}, { method: 'HEAD', cache: 'no-store' }); if (answer.ok) return location.reload(); } catch {}
  wait = Math.min(wait * 1.5, 10000);
  setTimeout(ask, wait);
}
setTimeout(ask, wait);
</script>`,
  );
}

function situationPage(text: string, requestId: string): string {
  return page(
    'Not available',
    `<h1>Not available</h1><p>${escapeHtml(text)}.</p><p>Request id: <code>${escapeHtml(requestId)}</code></p>`,
  );
}

function page(title: string, body: string): string {
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title>
<style>body{font:1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#1f1f1f;background:#fff}
@media (prefers-color-scheme:dark){body{color:#eee;background:#151515}}h1{font-size:1.5rem}</style></head><body><main>${body}</main></body></html>\n`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`);
}
