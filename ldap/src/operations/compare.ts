// Compare (RFC 4511 §4.10; ldap.md §16.1), under the caller's own view.
import { type DnKey, dnKey, isWithin, parseDn, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { assertEntry } from '../controls/assertion.ts';
import { valuesOf } from '../directory/entry.ts';
import { compileFilter } from '../directory/filter.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';

type CompareRequest = Extract<RequestOp, { op: 'compareRequest' }>;

export async function compare(request: CompareRequest, context: OperationContext): Promise<Answer> {
  const { peer, core, signal } = context;
  const { identity } = peer;
  if (identity === undefined) throw new Refusal(resultCode.insufficientAccessRights, 'comparing needs a bind');
  const key = keyOf(request.entry);
  if (!isWithin(key, identity.provider.base.key)) throw new Refusal(resultCode.noSuchObject);
  const filter = { kind: 'equalityMatch', attribute: request.attribute, value: request.value } as const;
  const view = await core.readerFor(identity).view({ base: key, scope: 'baseObject', filter, signal });
  const entry = view.find(key);
  if (entry === undefined) {
    const matchedDN = view.nearest(key)?.dn;
    throw new Refusal(resultCode.noSuchObject, '', matchedDN === undefined ? {} : { matchedDN });
  }
  assertEntry(entry, context.controls, view);
  if (!view.typesOf(request.attribute).some((type) => valuesOf(entry, type).length > 0))
    throw new Refusal(resultCode.noSuchAttribute);
  const holds = compileFilter(filter, view)(entry) === true;
  return { op: { op: 'compareResponse', resultCode: holds ? resultCode.compareTrue : resultCode.compareFalse } };
}

function keyOf(dn: string): DnKey {
  try {
    return dnKey(parseDn(dn));
  } catch {
    throw new Refusal(resultCode.invalidDNSyntax, 'the entry is no distinguished name');
  }
}
