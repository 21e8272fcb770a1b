// Functions that every expression can call (core.md §16.1).
import { sql } from 'kysely';
import type { CoreDeps } from '../../deps.ts';
import { confirmedDevices } from '../../devices/verify.ts';
import { recordEvent } from '../../events/record.ts';
import type { FlowRequest } from '../../flows/request.ts';
import { isMember, isMemberByName } from '../../identity/users.ts';
import { compilePattern, type Pattern } from '../../models/pattern.ts';
import { Raised } from '../faults.ts';
import { toPlain } from '../run/convert.ts';
import { required, textAt } from '../run/parameters.ts';
import { str } from '../run/text.ts';
import { type Call, List, Native, Tuple, type Value } from '../run/values.ts';
import { UserObject } from './identity.ts';
import { networkFunctions } from './network.ts';
import { RecordObject } from './record.ts';

export interface PolicyCallAnswer {
  readonly passing: boolean;
  readonly messages: readonly string[];
  readonly rawResult?: unknown;
}

export interface FunctionContext {
  readonly deps: CoreDeps;
  readonly request: FlowRequest | undefined;
  /** Asks another policy by its name; absent outside of policies. */
  readonly callPolicy?: (name: string, context: Record<string, unknown>) => Promise<PolicyCallAnswer>;
}

export function commonFunctions(context: FunctionContext): Record<string, Value> {
  const functions: Readonly<Record<string, Native['call']>> = {
    ak_call_policy: (call) => callPolicy(context, call),
    ak_create_event: (call) => createEvent(context, call),
    ak_is_group_member: (call) => isGroupMember(context, call),
    ak_user_by: ({ named }) => userBy(context, named),
    ak_user_has_authenticator: (call) => hasAuthenticator(context, call),
    list_flatten: flatten,
    regex_match: (call) => pattern(call).matches(textAt(call, 0, 'value'), 'anywhere') !== undefined,
    regex_replace: replacePattern,
    slugify,
  };
  return {
    ...networkFunctions,
    ...Object.fromEntries(Object.entries(functions).map(([name, call]) => [name, new Native(name, call)])),
    ak_logger: logger(context.deps),
  };
}

/** Lines of expressions are for whoever writes them. */
function logger({ log }: CoreDeps): Value {
  const say = new Native('log', ({ args }) => {
    log.debug('expression', { reason: args.map(str).join(' ').slice(0, 1000) });
    return null;
  });
  const levels = ['debug', 'info', 'warning', 'warn', 'error', 'critical', 'exception'];
  return new RecordObject('Logger', Object.fromEntries(levels.map((level) => [level, say])));
}

function pattern(call: Call): Pattern {
  const text = textAt(call, 1, 'regex');
  call.run.budget.work(textAt(call, 0, 'value').length * 16);
  const compiled = compilePattern(text);
  if (compiled === undefined) throw new Raised('ValueError', `the pattern ${text} cannot be used`);
  return compiled;
}

function replacePattern(call: Call): Value {
  const [text, replacement] = [textAt(call, 0, 'value'), textAt(call, 2, 'repl')];
  return replaceAll(pattern(call), text, () => replacement, call);
}

/** Every match, from left to right; the result is counted as it grows. */
export function replaceAll(
  compiled: Pattern,
  text: string,
  replacement: (groups: readonly (string | undefined)[]) => string,
  { run }: Call,
  most = Number.POSITIVE_INFINITY,
): string {
  let result = '';
  let at = 0;
  let from = 0;
  for (let count = 0; count < most && from <= text.length; count += 1) {
    const found = compiled.matches(text, 'anywhere', from);
    if (found === undefined) break;
    run.budget.work(text.length);
    const fresh = replacement(found.groups);
    run.budget.take(found.start - at + fresh.length);
    result += text.slice(at, found.start) + fresh;
    at = found.end;
    from = found.end === found.start ? found.end + 1 : found.end;
  }
  return result + text.slice(at);
}

function flatten({ args: [value = null] }: Call): Value {
  if (value instanceof List || value instanceof Tuple) return value.items[0] ?? null;
  return value;
}

function slugify(call: Call): Value {
  const plain = textAt(call, 0, 'value')
    .normalize('NFKD')
    .replace(/[^\x20-\x7e]/g, '');
  return plain
    .toLowerCase()
    .replace(/[^\w\s-]/g, '')
    .replace(/[-\s]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '');
}

async function isGroupMember({ deps }: FunctionContext, call: Call): Promise<Value> {
  const user = required(call, 0, 'user');
  const record = user instanceof UserObject ? await user.record() : undefined;
  if (record === undefined) return false;
  const names = call.named.get('name') ?? null;
  const uuid = call.named.get('group_uuid') ?? call.named.get('pk') ?? null;
  return names === null ? isMember(deps, record.id, str(uuid)) : isMemberByName(deps, record.id, str(names));
}

const userColumns: Readonly<Record<string, string>> = {
  username: 'username',
  email: 'email',
  name: 'name',
  pk: 'id',
  id: 'id',
  uuid: 'uuid',
};

/** The user of all these conditions, such as `username` or `email__iexact`. @throws Raised TypeError for any other */
export async function userBy(
  { deps, request }: FunctionContext,
  named: ReadonlyMap<string, Value>,
): Promise<UserObject | null> {
  const conditions = [...named].map(([filter, value]) => {
    const [, field = '', lookup = 'exact'] = /^([a-z]+)(?:__(exact|iexact))?$/.exec(filter) ?? [];
    const column = Object.hasOwn(userColumns, field) ? userColumns[field] : undefined;
    if (column === undefined) throw new Raised('TypeError', `users cannot be found by ${filter}`);
    const text = str(value);
    return lookup === 'iexact'
      ? sql<boolean>`lower(${sql.ref(column)}::text) = ${text.toLowerCase()}`
      : sql<boolean>`${sql.ref(column)}::text = ${text}`;
  });
  if (conditions.length === 0) throw new Raised('TypeError', 'ak_user_by needs a condition');
  const record = await deps.database.kysely
    .selectFrom('users')
    .selectAll()
    .where(sql<boolean>`${sql.join(conditions, sql` and `)}`)
    .orderBy('id')
    .executeTakeFirst();
  return record === undefined ? null : new UserObject(deps, record, request?.host);
}

async function hasAuthenticator({ deps }: FunctionContext, call: Call): Promise<Value> {
  const user = required(call, 0, 'user');
  const record = user instanceof UserObject ? await user.record() : undefined;
  const type = call.args[1] ?? call.named.get('device_type') ?? null;
  if (record === undefined) return false;
  const devices = await confirmedDevices(deps, record.id);
  return type === null ? devices.length > 0 : devices.some(({ kind }) => str(type).toLowerCase().startsWith(kind));
}

async function callPolicy({ callPolicy: ask }: FunctionContext, call: Call): Promise<Value> {
  if (ask === undefined) throw new Raised('RuntimeError', 'policies can be called from policies only');
  const given = Object.fromEntries([...call.named].map(([name, value]) => [name, toPlain(value)]));
  const { passing, messages, rawResult } = await ask(textAt(call, 0, 'name'), given);
  return new RecordObject('PolicyResult', {
    passing,
    messages: new Tuple([...messages]),
    raw_result: typeof rawResult === 'string' || typeof rawResult === 'number' ? rawResult : passing,
  });
}

async function createEvent({ deps, request }: FunctionContext, call: Call): Promise<Value> {
  const action = textAt(call, 0, 'action')
    .replace(/[^\w.-]/g, '_')
    .slice(0, 200);
  const context = Object.fromEntries([...call.named].map(([name, value]) => [name, toPlain(value)]));
  await recordEvent(deps, {
    action: `custom_${action}`,
    app: 'authentik.policies.expression',
    ...(request === undefined ? {} : { request }),
    context,
  });
  return null;
}
