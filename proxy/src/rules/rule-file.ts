// The rule file (proxy.md §1.1, §17.12): what the core's form has no field for, per application, in YAML. Read whole at the
// start, where a mistake stops it, and again whenever it changes, where a mistake keeps what was there.
import { readFileSync } from 'node:fs';
import type { Clock } from '@gatehouse/daemon/async';
import { parseDuration, readDocument } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';
import type { Logger } from '@gatehouse/daemon/log';
import { z } from 'zod';
import { proxyError } from '../errors.ts';

const texts = z.union([z.string(), z.array(z.string())]).transform((given) => (Array.isArray(given) ? given : [given]));
const duration = z.union([z.string(), z.number()]).transform((given, context) => {
  const ms = parseDuration(String(given));
  if (ms !== undefined) return ms;
  context.addIssue('must be a duration such as 300ms, 5s or 1h30m');
  return z.NEVER;
});

const requirement = z.strictObject({
  groups_any: texts.default([]),
  groups_all: texts.default([]),
  entitlements_any: texts.default([]),
  users: texts.default([]),
  amr: texts.default([]),
  max_age: duration.optional(),
});

const rule = z
  .strictObject({
    name: z.string().optional(),
    host: texts.optional(),
    method: texts.optional(),
    path: texts.optional(),
    prefix: texts.optional(),
    action: z.enum(['skip', 'deny', 'login']).optional(),
    require: requirement.optional(),
  })
  .refine((row) => (row.action === undefined) !== (row.require === undefined), 'needs either action or require');

const checkTimes = { every: duration.default(10_000), timeout: duration.default(3_000) };
const check = z.union([
  z.literal('tcp').transform(() => ({ path: undefined, everyMs: 10_000, timeoutMs: 3_000 })),
  z
    .strictObject({ path: z.string().startsWith('/').optional(), ...checkTimes })
    .refine(({ every }) => every >= 100, 'every must be 100ms or more')
    .transform(({ path, every, timeout }) => ({ path, everyMs: every, timeoutMs: timeout })),
]);

const upstream = z.union([
  z.url().transform((url) => ({ url, weight: 1, check: undefined })),
  z.strictObject({
    url: z.url(),
    weight: z.number().int().min(1).max(1_000).default(1),
    check: check.optional(),
  }),
]);

const headerMapping = z.union([
  z.string().transform((claim) => ({ claim, format: 'text' as const, separator: '|' })),
  z.strictObject({
    claim: z.string(),
    format: z.enum(['text', 'json', 'base64']).default('text'),
    separator: z.string().default('|'),
  }),
]);

const headers = z.strictObject({
  preset: texts
    .pipe(z.array(z.enum(['remote-user', 'x-forwarded-user', 'x-auth-request', 'x-webauth-user'])))
    .default([]),
  set: z.record(z.string(), headerMapping).default({}),
  omit: texts.default([]),
  encoding: z.enum(['raw', 'percent', 'rfc2047']).default('raw'),
  /** Globs of groups that are told; all where it is missing. */
  groups: texts.optional(),
  budget_bytes: z.number().int().min(256).default(16_384),
});

const application = z.strictObject({
  rules: z.array(rule).default([]),
  upstreams: z.array(upstream).default([]),
  upstream_tls: z
    .strictObject({
      ca: z.string().optional(),
      certificate: z.string().optional(),
      key: z.string().optional(),
      server_name: z.string().optional(),
    })
    .optional(),
  answer_timeout: duration.refine((ms) => ms >= 100, 'must be 100ms or more').optional(),
  headers: headers.optional(),
});

const file = z.record(z.string(), application);

export type RuleRow = z.infer<typeof rule>;
export type HeaderRow = z.infer<typeof headers>;
export type ApplicationRow = z.infer<typeof application>;

/** What the file says, by client id, slug or external host. */
export interface RuleFile {
  /** The section for an application, by the first of its names that has one. */
  of(names: readonly string[]): ApplicationRow | undefined;
}

export const emptyRuleFile: RuleFile = { of: () => undefined };

/** @throws GatewayError `ERR_PROXY_RULES_INVALID`, naming file, place and what must be there instead */
export function loadRuleFile(path: string): RuleFile {
  try {
    return parseRules(readFileSync(path, 'utf8'), path);
  } catch (cause) {
    if (isGatewayError(cause)) throw cause;
    throw proxyError('ERR_PROXY_RULES_INVALID', `The rule file ${path} cannot be used: ${String(cause)}`, cause);
  }
}

/** @throws GatewayError `ERR_PROXY_RULES_INVALID`. @param path for the complaint */
export function parseRules(text: string, path = ''): RuleFile {
  const read = readDocument(text, file);
  if ('problems' in read) {
    const problems = read.problems.join('; ');
    throw proxyError('ERR_PROXY_RULES_INVALID', `The rule file ${path} cannot be used: ${problems}`);
  }
  const sections = new Map(Object.entries(read.data).map(([name, row]) => [name.toLowerCase(), row]));
  return { of: (names) => names.map((name) => sections.get(name.toLowerCase())).find((row) => row !== undefined) };
}

const lookEveryMs = 1_000;

export interface WatchOptions {
  readonly path: string;
  readonly log: Logger;
  readonly clock: Pick<Clock, 'sleep'>;
  readonly signal: AbortSignal;
}

/**
 * Calls `onChange` with each new version that can be used, until the signal. Looks at the text once a second, because a
 * mounted file changes by a link somewhere above it, which tells nobody.
 */
export async function watchRuleFile(options: WatchOptions, onChange: (rules: RuleFile) => void): Promise<void> {
  const { path, log, clock, signal } = options;
  let before = textOf(path);
  for (;;) {
    await clock.sleep(lookEveryMs, signal).catch(() => undefined); // aborted: the next line ends it
    if (signal.aborted) return;
    const text = textOf(path);
    if (text === before) continue;
    before = text;
    try {
      onChange(loadRuleFile(path));
      log.info('rule file loaded', { path });
    } catch (error) {
      log.error('rule file not loaded', { path, error: String(error), hint: 'What was loaded before stays in force.' });
    }
  }
}

function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // gone for the moment; loading says so
  }
}
