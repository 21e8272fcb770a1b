// Entry `@gatehouse/wire/ldap`. Users: the LDAP outpost (server side), packages/cli and tests (client side).
export { decodeRequest, decodeResponse } from './decode.ts';
export {
  type AttributeValue,
  type Dn,
  type DnKey,
  dnKey,
  dnKeyOf,
  escapeValue,
  foldValue,
  formatDn,
  isWithin,
  parentKey,
  parseDn,
  plainDnKey,
  type Rdn,
} from './dn.ts';
export {
  encodeEntryOp,
  encodeEnvelope,
  encodeRequest,
  encodeResponse,
  messageSize,
  writeMessage,
  writeMessageHead,
  writeResponse,
} from './encode.ts';
export type { ExtensibleMatch, Filter, Substrings } from './filter.ts';
export {
  decodeAssertion,
  decodeMatchedValues,
  encodeAssertion,
  encodeMatchedValues,
  type SimpleFilter,
} from './filter-controls.ts';
export { formatFilter, parseFilter } from './filter-text.ts';
export { MessageFramer } from './framing.ts';
export type {
  Attribute,
  Authentication,
  Control,
  DecodeLimits,
  LdapMessage,
  LdapResult,
  MessageId,
  RequestOp,
  ResponseOp,
  Scope,
  SearchRequest,
} from './messages.ts';
export { controlOid, extendedOid } from './oids.ts';
export { decodePagedResults, encodePagedResults, type PagedResults } from './paged-results.ts';
export {
  decodeCancel,
  decodeGeneratedPassword,
  decodePasswordModify,
  encodeCancel,
  encodeGeneratedPassword,
  encodePasswordModify,
  type PasswordModify,
} from './password-modify.ts';
export { type ResultCode, resultCode, resultCodeName } from './result-code.ts';
export {
  decodeSortRequest,
  decodeSortResult,
  encodeSortRequest,
  encodeSortResult,
  type SortKey,
  type SortResult,
} from './server-side-sort.ts';
export {
  decodeListViewRequest,
  decodeListViewResult,
  encodeListViewRequest,
  encodeListViewResult,
  type ListTarget,
  type ListViewRequest,
  type ListViewResult,
} from './virtual-list-view.ts';
