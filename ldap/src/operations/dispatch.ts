// From a request to its answer: every operation that answers passes here, and whatever one throws becomes a result code that
// is not success. Writes the one log line and the metrics of the operation.
import { randomUUID } from 'node:crypto';
import { formatFilter, type LdapMessage, type RequestOp, resultCodeName } from '@gatehouse/wire/ldap';
import { admitControls } from '../controls/admission.ts';
import { Refusal, resultOf } from '../errors.ts';
import { bind } from './bind.ts';
import { compare } from './compare.ts';
import { requireConfidentiality } from './confidentiality.ts';
import type { Answer, OperationContext, ResultOp } from './context.ts';
import { extended } from './extended.ts';
import { search } from './search.ts';
import type { Soon } from './soon.ts';
import { refuseUpdate } from './update.ts';

export type AnsweredOp = Exclude<RequestOp, { op: 'unbindRequest' | 'abandonRequest' }>;

const responses: Readonly<Record<AnsweredOp['op'], ResultOp>> = {
  bindRequest: 'bindResponse',
  searchRequest: 'searchResultDone',
  compareRequest: 'compareResponse',
  modifyRequest: 'modifyResponse',
  addRequest: 'addResponse',
  delRequest: 'delResponse',
  modifyDNRequest: 'modifyDNResponse',
  extendedRequest: 'extendedResponse',
};

/** Never throws and never rejects. */
export function dispatch(message: LdapMessage<AnsweredOp>, context: OperationContext): Soon<Answer> {
  const startedMs = context.clock.monotonicMs();
  const close = (answer: Answer, error?: unknown): Answer => {
    report(message, answer, error, context, context.clock.monotonicMs() - startedMs);
    return answer;
  };
  const refuse = (error: unknown): Answer => close({ op: { op: responses[message.op.op], ...resultOf(error) } }, error);
  try {
    admitControls(message.op.op, message.controls, context.peer.identity);
    requireConfidentiality(message.op, context);
    const answer = run(message.op, context);
    return answer instanceof Promise ? answer.then(close, refuse) : close(answer);
  } catch (error) {
    return refuse(error);
  }
}

function run(op: AnsweredOp, context: OperationContext): Soon<Answer> {
  switch (op.op) {
    case 'bindRequest':
      return bind(op, context);
    case 'searchRequest':
      return search(op, context);
    case 'compareRequest':
      return compare(op, context);
    case 'extendedRequest':
      return extended(op, context);
    default:
      return refuseUpdate();
  }
}

const types: Partial<Readonly<Record<AnsweredOp['op'], string>>> = { bindRequest: 'bind', searchRequest: 'search' };
const titles: Readonly<Record<AnsweredOp['op'], string>> = {
  bindRequest: 'Bind request',
  searchRequest: 'Search request',
  compareRequest: 'Compare request',
  modifyRequest: 'Modify request',
  addRequest: 'Add request',
  delRequest: 'Delete request',
  modifyDNRequest: 'Modify DN request',
  extendedRequest: 'Extended request',
};

function report(
  { op, messageId }: LdapMessage<AnsweredOp>,
  answer: Answer,
  error: unknown,
  { peer, core, metrics, log }: OperationContext,
  tookMs: number,
): void {
  const type = types[op.op] ?? titles[op.op].split(' ')[0]?.toLowerCase() ?? '';
  const app = peer.identity?.provider.applicationSlug ?? '';
  const code = answer.op.op === 'searchResultEntry' ? 0 : answer.op.resultCode;
  metrics.answered({ outpost: core.outpostName(), type, app, code: resultCodeName(code) }, tookMs / 1000);
  if (error instanceof Refusal && error.reason !== undefined)
    metrics.rejected.add({ outpost_name: core.outpostName(), type, reason: error.reason, app });
  if (answer.entries !== undefined) metrics.entries.add({}, answer.entries);
  const unforeseen = error !== undefined && !(error instanceof Refusal);
  if (!log.isEnabled(unforeseen ? 'warn' : 'info')) return;
  const fields = {
    bindDN: (op.op === 'bindRequest' ? op.name : peer.boundName).toLowerCase(),
    client: peer.clientIp,
    requestId: randomUUID(),
    'took-ms': Math.round(tookMs),
    msgid: messageId,
    result: resultCodeName(code),
    ...(app === '' ? {} : { app }),
    ...(answer.entries === undefined ? {} : { entries: answer.entries }),
    ...(op.op === 'searchRequest'
      ? {
          baseDN: op.baseObject,
          scope: scopeTitles[op.scope],
          filter: formatFilter(op.filter),
          attributes: op.attributes.join(' '),
        }
      : {}),
    ...(error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }),
    ...(unforeseen && error instanceof Error && 'code' in error ? { code: String(error.code) } : {}),
  };
  if (unforeseen) log.warn(titles[op.op], fields);
  else log.info(titles[op.op], fields);
}

const scopeTitles = {
  baseObject: 'Base Object',
  singleLevel: 'Single Level',
  wholeSubtree: 'Whole Subtree',
  subordinateSubtree: 'Subordinate Subtree',
} as const;
