// Compare (RFC 4511 §4.10; ldap.md §16.1), under the caller's own view.
import { type DnKey, dnKeyOf, type Filter, isWithin, type RequestOp, resultCode } from '@gatehouse/wire/ldap';
import { assertEntry } from '../controls/assertion.ts';
import { compileFilter } from '../directory/filter.ts';
import type { DirectoryView } from '../directory/view.ts';
import { Refusal } from '../errors.ts';
import type { Answer, OperationContext } from './context.ts';
import { after, type Soon } from './soon.ts';

type Assertion = Filter & { readonly attribute: string };
type CompareRequest = Extract<RequestOp, { op: 'compareRequest' }>;

export function compare(request: CompareRequest, context: OperationContext): Soon<Answer> {
  const { peer, core } = context;
  const { identity } = peer;
  if (identity === undefined) throw new Refusal(resultCode.insufficientAccessRights, 'comparing needs a bind');
  const key = keyOf(request.entry);
  if (!isWithin(key, identity.provider.base.key)) throw new Refusal(resultCode.noSuchObject);
  const filter = { kind: 'equalityMatch', attribute: request.attribute, value: request.value } as const;
  const signal = () => context.signal;
  const view = after(core.readerFor(identity, signal), (reader) =>
    reader.view({ base: key, scope: 'baseObject', filter, attributes: [], signal }),
  );
  return after(view, (found) => compareIn(found, key, filter, context));
}

function compareIn(view: DirectoryView, key: DnKey, filter: Assertion, context: OperationContext): Answer {
  const entry = view.find(key);
  if (entry === undefined) {
    const matchedDN = view.nearest(key)?.dn;
    throw new Refusal(resultCode.noSuchObject, '', matchedDN === undefined ? {} : { matchedDN });
  }
  assertEntry(entry, context.controls, view);
  if (!view.typesOf(filter.attribute).some((type) => entry.has(type))) throw new Refusal(resultCode.noSuchAttribute);
  const holds = compileFilter(filter, view)(entry) === true;
  return { op: { op: 'compareResponse', resultCode: holds ? resultCode.compareTrue : resultCode.compareFalse } };
}

function keyOf(dn: string): DnKey {
  const key = dnKeyOf(dn);
  if (key === undefined) throw new Refusal(resultCode.invalidDNSyntax, 'the entry is no distinguished name');
  return key;
}
