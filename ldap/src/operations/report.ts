// The one log line of an operation, with the true reason whatever the client was told, and its metrics (ldap.md §14).
import { randomUUID } from 'node:crypto';
import { formatFilter, type LdapMessage, type RequestOp, resultCodeName } from '@gatehouse/wire/ldap';
import { readBindName } from '../authentication/bind-name.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';

export type AnsweredOp = Exclude<RequestOp, { op: 'unbindRequest' | 'abandonRequest' }>;

const types: Readonly<Record<AnsweredOp['op'], string>> = {
  bindRequest: 'bind',
  searchRequest: 'search',
  compareRequest: 'compare',
  modifyRequest: 'modify',
  addRequest: 'add',
  delRequest: 'delete',
  modifyDNRequest: 'modify',
  extendedRequest: 'extended',
};
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
const scopeTitles = {
  baseObject: 'Base Object',
  singleLevel: 'Single Level',
  wholeSubtree: 'Whole Subtree',
  subordinateSubtree: 'Subordinate Subtree',
} as const;
/** Filters and selections may be megabytes long. */
const longestText = 2_000;

export function report(
  { op, messageId }: LdapMessage<AnsweredOp>,
  answer: Answer,
  error: unknown,
  context: OperationContext,
  tookMs: number,
): void {
  const { peer, core, metrics, log } = context;
  const type = types[op.op];
  const app = appOf(op, context);
  const code = resultCodeName(answer.op.op === 'searchResultEntry' ? 0 : answer.op.resultCode);
  metrics.answered({ outpost: core.outpostName(), type, app, code }, tookMs / 1000);
  const reason = error instanceof Refusal ? error.reason : undefined;
  if (reason !== undefined) metrics.rejected.add({ outpost_name: core.outpostName(), type, reason, app });
  if (answer.entries !== undefined) metrics.entries.add({}, answer.entries);
  const unforeseen = error !== undefined && !(error instanceof Refusal);
  if (!log.isEnabled(unforeseen ? 'warn' : 'info')) return;
  const fields = {
    bindDN: (op.op === 'bindRequest' && op.name !== '' ? op.name : peer.boundName).slice(0, longestText).toLowerCase(),
    client: peer.clientIp,
    requestId: randomUUID(),
    'took-ms': Math.round(tookMs),
    conn: peer.id,
    msgid: messageId,
    tls: peer.secure ? 'yes' : 'no',
    result: code,
    ...(app === '' ? {} : { app }),
    ...(reason === undefined ? {} : { reason }),
    ...(answer.entries === undefined ? {} : { entries: answer.entries }),
    ...aboutRequest(op),
    ...(error === undefined ? {} : { error: error instanceof Error ? error.message : String(error) }),
    ...(unforeseen && error instanceof Error && 'code' in error ? { code: String(error.code) } : {}),
  };
  if (unforeseen) log.warn(titles[op.op], fields);
  else log.info(titles[op.op], fields);
}

/** Of a refused bind, the application whose name it was. */
function appOf(op: AnsweredOp, { peer, core, config }: OperationContext): string {
  if (peer.identity !== undefined) return peer.identity.provider.applicationSlug;
  if (op.op !== 'bindRequest' || op.name === '') return '';
  return readBindName(op.name, core.providers(), config.ldap.extra_bind_forms)?.provider.applicationSlug ?? '';
}

function aboutRequest(op: AnsweredOp) {
  switch (op.op) {
    case 'searchRequest':
      return {
        baseDN: op.baseObject.slice(0, longestText),
        scope: scopeTitles[op.scope],
        filter: formatFilter(op.filter).slice(0, longestText),
        attributes: op.attributes.join(' ').slice(0, longestText),
      };
    case 'bindRequest':
      return op.authentication.kind === 'sasl' ? { auth: op.authentication.mechanism.slice(0, longestText) } : {};
    case 'compareRequest':
      return { baseDN: op.entry.slice(0, longestText), attributes: op.attribute.slice(0, longestText) };
    case 'extendedRequest':
      return { op: op.name.slice(0, longestText) };
    default:
      return { baseDN: op.entry.slice(0, longestText) };
  }
}
