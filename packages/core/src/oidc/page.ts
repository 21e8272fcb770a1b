// A page of the core's own for visitors who cannot be sent back to a client.
import type { ApiReply } from '../api/request.ts';

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** One heading, one sentence. */
export function page(reply: ApiReply, status: number, text: string) {
  const safe = text.replace(/[&<>"]/g, (sign) => entities[sign] ?? '');
  return reply
    .code(status)
    .header('Content-Security-Policy', "default-src 'none'")
    .type('text/html; charset=utf-8')
    .send(`<!doctype html><title>Sign in</title><h1>Request denied</h1><p>${safe}</p>`);
}
