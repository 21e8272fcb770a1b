// A visitor's session as a request holds it (core.md §3.5, flow-executor.md §7.2), and what makes two states of it one.
import { isDeepStrictEqual } from 'node:util';
import type { PrincipalRow } from '../identity/permissions.ts';

/** Who came, as his request shows. */
export interface Visitor {
  readonly ip: string;
  readonly userAgent: string;
}

/** A visitor's session in this request; what it changes is stored at its end. */
export interface Session {
  /** Known to the visitor and to this request only. */
  readonly key: string;
  readonly id: string;
  userPk: number | undefined;
  data: Record<string, unknown>;
  /** Explicit duration, which the cookie then carries; `undefined` for a session of the browser's length. */
  durationMs: number | undefined;
  /** Address of the last request; `undefined` for a new session. */
  readonly lastIp: string | undefined;
  /** Who is logged in, else whom the session's flow is about, as read together with it; the latter without rights. */
  readonly account: PrincipalRow | undefined;
  /** Where that is whom the flow is about: whether somebody is logged in as him at {@link lastIp}, as of the same moment. */
  readonly isAccountHere: boolean | undefined;
  /** The session whose data this one takes over; it is deleted when this one is stored, which is not done without it. */
  readonly replaces?: string;
  /** Never stored; see `SessionStore.create`. */
  readonly isPassing?: boolean;
  /** The row, if it exists; a new session without data leaves none. */
  stored: StoredSession | undefined;
}

/** What the table holds of it. */
export interface StoredSession {
  /** As JSON of ours, which is not that of the column. */
  readonly data: string;
  readonly userPk: number | undefined;
  readonly lastIp: string;
  readonly lastUserAgent: string;
  readonly lastUsedMs: number;
}

/** The column holds objects only. */
export function objectOf(json: string): Record<string, unknown> {
  const value: unknown = JSON.parse(json);
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Always later than what is stored, so that requests see each other's writes. */
export function nextOf(
  { userPk, data, durationMs, stored }: Session,
  { ip, userAgent }: Visitor,
  nowMs: number,
): StoredSession {
  return {
    data: JSON.stringify(durationMs === undefined ? data : { ...data, duration_ms: durationMs }),
    userPk,
    lastIp: ip,
    lastUserAgent: userAgent.slice(0, 400),
    lastUsedMs: Math.max(nowMs, (stored?.lastUsedMs ?? 0) + 1),
  };
}

/** A step that changes nothing is not worth a write, unless the row would begin to look forgotten. */
const untouchedMs = 30_000;

export function isAsStored(stored: StoredSession, next: StoredSession): boolean {
  return (
    stored.userPk === next.userPk &&
    stored.lastIp === next.lastIp &&
    stored.lastUserAgent === next.lastUserAgent &&
    Math.abs(next.lastUsedMs - stored.lastUsedMs) < untouchedMs &&
    isSameData(stored.data, next.data)
  );
}

/** The database keeps names in an order of its own; what differs in more than order nearly always differs in length. */
function isSameData(one: string, other: string): boolean {
  return one.length === other.length && isDeepStrictEqual(JSON.parse(one), JSON.parse(other));
}

/** What this request has changed over what another one has stored; of what both have, this one's. */
export function mergedData(
  before: Readonly<Record<string, unknown>>,
  ours: Readonly<Record<string, unknown>>,
  theirs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const merged = { ...theirs };
  for (const name of new Set([...Object.keys(before), ...Object.keys(ours)])) {
    if (isDeepStrictEqual(before[name], ours[name])) continue;
    if (name in ours) merged[name] = ours[name];
    else delete merged[name];
  }
  return merged;
}
