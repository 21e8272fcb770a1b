// Answers that cost nothing where they are known already (RFC 9110 §8.8.3, §13.1.2; core.md §23.2): an entity tag of what
// would be sent, and 304 for whoever has that.
import { createHash } from 'node:crypto';
import type { ApiReply, ApiRequest } from './request.ts';

export function conditional(request: ApiRequest, reply: ApiReply, answer: object) {
  const text = JSON.stringify(answer);
  const tag = `"${createHash('sha256').update(text, 'utf8').digest('base64url').slice(0, 27)}"`;
  reply.header('ETag', tag).header('Cache-Control', 'private, no-cache');
  if (isKnown(request.headers['if-none-match'], tag)) return reply.code(304).send();
  return reply.type('application/json; charset=utf-8').send(text);
}

/** Weak comparison: what proxies mark as weak is the same to us. */
function isKnown(header: string | undefined, tag: string): boolean {
  if (header === undefined) return false;
  return header.trim() === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === tag);
}
