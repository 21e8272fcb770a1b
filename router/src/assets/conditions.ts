// Conditional requests (RFC 9110 §13) against one representation; the same rules for assets and stored files.
import type { IncomingMessage } from 'node:http';

export interface Representation {
  /** Tag of what would be sent now. */
  readonly etag: string;
  /** Tags of every representation of the resource. */
  readonly etags: readonly string[];
  /** HTTP date. */
  readonly lastModified: string;
}

export type Verdict = 'send' | 'unchanged' | 'precondition-failed';

/** RFC 9110 §13.2.2: the order of evaluation. */
export function evaluateConditions(request: IncomingMessage, current: Representation): Verdict {
  if (failsPrecondition(request, current)) return 'precondition-failed';
  return isUnchanged(request, current) ? 'unchanged' : 'send';
}

/** RFC 9110 §13.1.5: with If-Range, a range only of the very representation that the client has. */
export function isRangeWanted(request: IncomingMessage, identity: { etag: string; lastModified: string }): boolean {
  const condition = request.headers['if-range'];
  return condition === undefined || condition === identity.etag || condition === identity.lastModified;
}

/** RFC 9110 §13.2.2 step 1 and 2. */
function failsPrecondition(request: IncomingMessage, current: Representation): boolean {
  const match = request.headers['if-match'];
  if (match !== undefined) return !matchesAny(match, current.etags);
  const unmodified = request.headers['if-unmodified-since'];
  if (unmodified === undefined) return false;
  const since = Date.parse(unmodified);
  return !Number.isNaN(since) && Date.parse(current.lastModified) > since;
}

/** RFC 9110 §13.2.2 step 3 and 4: a tag wins over a date. */
function isUnchanged(request: IncomingMessage, current: Representation): boolean {
  const noneMatch = request.headers['if-none-match'];
  if (noneMatch !== undefined) return matchesAny(noneMatch, [current.etag]);
  const modified = request.headers['if-modified-since'];
  if (modified === undefined) return false;
  const since = Date.parse(modified);
  return !Number.isNaN(since) && Date.parse(current.lastModified) <= since;
}

function matchesAny(header: string, tags: readonly string[]): boolean {
  return header.trim() === '*' || header.split(',').some((tag) => tags.includes(tag.trim().replace(/^W\//, '')));
}
