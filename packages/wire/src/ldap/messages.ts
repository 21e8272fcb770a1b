// LDAP messages as values (RFC 4511 §4), tagged with the ASN.1 names.
import type { Filter } from './filter.ts';
import type { ResultCode } from './result-code.ts';

/** 0 to 2147483647; 0 is the server's own, for unsolicited notifications. */
export type MessageId = number;

export type Authentication =
  | { readonly kind: 'simple'; readonly password: Buffer }
  | { readonly kind: 'sasl'; readonly mechanism: string; readonly credentials: Buffer | undefined };

export type Scope = 'baseObject' | 'singleLevel' | 'wholeSubtree' | 'subordinateSubtree';

export interface SearchRequest {
  readonly op: 'searchRequest';
  readonly baseObject: string;
  readonly scope: Scope;
  readonly derefAliases: number;
  /** Entries; 0 = no limit. */
  readonly sizeLimit: number;
  /** Seconds; 0 = no limit. */
  readonly timeLimit: number;
  readonly typesOnly: boolean;
  readonly filter: Filter;
  readonly attributes: readonly string[];
}

export type RequestOp =
  | {
      readonly op: 'bindRequest';
      readonly version: number;
      readonly name: string;
      readonly authentication: Authentication;
    }
  | { readonly op: 'unbindRequest' }
  | SearchRequest
  | { readonly op: 'compareRequest'; readonly entry: string; readonly attribute: string; readonly value: Buffer }
  | { readonly op: 'modifyRequest' | 'addRequest' | 'delRequest' | 'modifyDNRequest'; readonly entry: string }
  | { readonly op: 'abandonRequest'; readonly target: MessageId }
  | { readonly op: 'extendedRequest'; readonly name: string; readonly value: Buffer | undefined };

export interface LdapResult {
  readonly resultCode: ResultCode;
  readonly matchedDN?: string;
  readonly diagnosticMessage?: string;
}

export interface Attribute {
  readonly type: string;
  readonly values: readonly (string | Uint8Array)[];
}

export type ResponseOp =
  | ({ readonly op: 'bindResponse'; readonly serverSaslCreds?: Uint8Array } & LdapResult)
  | { readonly op: 'searchResultEntry'; readonly objectName: string; readonly attributes: readonly Attribute[] }
  | ({
      readonly op:
        | 'searchResultDone'
        | 'modifyResponse'
        | 'addResponse'
        | 'delResponse'
        | 'modifyDNResponse'
        | 'compareResponse';
    } & LdapResult)
  | ({
      readonly op: 'extendedResponse';
      readonly responseName?: string;
      readonly responseValue?: Uint8Array;
    } & LdapResult);

export interface Control {
  readonly type: string;
  readonly criticality: boolean;
  readonly value: Buffer | undefined;
}

export interface LdapMessage<Op> {
  readonly messageId: MessageId;
  readonly op: Op;
  readonly controls: readonly Control[];
}

export interface DecodeLimits {
  /** Largest message, envelope included. */
  readonly maxBytes: number;
  /** Deepest nesting of filters. */
  readonly maxDepth: number;
  /** Most nodes of one filter. */
  readonly maxFilterNodes: number;
}
