// Bytes of the two controls that carry filters: assertion (RFC 4528) and matched values (RFC 3876).
import { BerReader, element } from '../ber/index.ts';
import { malformed } from '../errors.ts';
import { decodeFilter, encodeFilter, type Filter } from './filter.ts';
import type { Control, DecodeLimits } from './messages.ts';
import { controlOid } from './oids.ts';

/** One test of one value: no and, or, not, and no attributes of the DN (RFC 3876 §2). */
export type SimpleFilter = Exclude<Filter, { readonly kind: 'and' | 'or' | 'not' }>;

/** @throws WireError */
export function decodeAssertion(value: Buffer, limits: DecodeLimits): Filter {
  const reader = new BerReader(value);
  const filter = decodeFilter(reader, limits);
  reader.end();
  return filter;
}

export function encodeAssertion(filter: Filter, criticality = false): Control {
  return { type: controlOid.assertion, criticality, value: encodeFilter(filter) };
}

/** @throws WireError, also for a list without filters */
export function decodeMatchedValues(value: Buffer, limits: DecodeLimits): SimpleFilter[] {
  const outer = new BerReader(value);
  const list = outer.enter(0x30);
  outer.end();
  const filters: SimpleFilter[] = [];
  while (!list.done) {
    if (filters.length === limits.maxFilterNodes) throw malformed('too many filters of values');
    filters.push(simple(decodeFilter(list, limits)));
  }
  if (filters.length === 0) throw malformed('matched values without a filter');
  return filters;
}

function simple(filter: Filter): SimpleFilter {
  switch (filter.kind) {
    case 'and':
    case 'or':
    case 'not':
      throw malformed(`${filter.kind} in a filter of values`);
    case 'extensibleMatch':
      if (filter.dnAttributes) throw malformed('dnAttributes in a filter of values');
      return filter;
    default:
      return filter;
  }
}

export function encodeMatchedValues(filters: readonly SimpleFilter[], criticality = false): Control {
  const value = element(0x30, ...filters.map(encodeFilter));
  return { type: controlOid.matchedValues, criticality, value };
}
