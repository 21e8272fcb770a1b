// From a request to its answer: every operation that answers passes here, and whatever one throws becomes a result code that
// is not success.
import type { LdapMessage } from '@gatehouse/wire/ldap';
import { admitControls } from '../controls/admission.ts';
import { resultOf } from '../errors.ts';
import { bind } from './bind.ts';
import { compare } from './compare.ts';
import { requireConfidentiality } from './confidentiality.ts';
import type { Answer, OperationContext, ResultOp } from './context.ts';
import { extended } from './extended.ts';
import { type AnsweredOp, report } from './report.ts';
import { search } from './search.ts';
import type { Soon } from './soon.ts';
import { refuseUpdate } from './update.ts';

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

/** Never throws and never rejects; whoever is not told success is not bound. */
export function dispatch(message: LdapMessage<AnsweredOp>, context: OperationContext): Soon<Answer> {
  const { op, controls } = message;
  let startedMs = 0;
  const close = (answer: Answer, error?: unknown): Answer => {
    report(message, answer, error, context, context.clock.monotonicMs() - startedMs);
    return answer;
  };
  const refuse = (error: unknown): Answer => {
    if (op.op === 'bindRequest') {
      context.peer.identity = undefined;
      context.peer.boundName = '';
    }
    const answer = { op: { op: responses[op.op], ...resultOf(error) } };
    try {
      return close(answer, error);
    } catch {
      return answer; // neither log nor metrics can be had: the client is told all the same
    }
  };
  try {
    startedMs = context.clock.monotonicMs();
    admitControls(op.op, controls, context.peer.identity);
    requireConfidentiality(op, context);
    const answer = run(op, context);
    return answer instanceof Promise ? answer.then(close).catch(refuse) : close(answer);
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
