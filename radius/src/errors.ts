// What a request can end in besides an answer, as closed lists: labels of metrics and fields of logs are these words.

/** Why a packet got no answer (radius.md §9.2). */
export type DropReason =
  | 'unknown_client'
  | 'no_secret'
  | 'bad_authenticator'
  | 'bad_message_authenticator'
  | 'missing_message_authenticator'
  | 'malformed'
  | 'duplicate_in_flight'
  | 'superseded'
  | 'overload'
  | 'unsupported_code'
  | 'core_unreachable'
  | 'failure';

/** Why an Access-Request was refused (radius.md §5.5). */
export type RejectReason =
  | 'invalid_credentials'
  | 'flow_error'
  | 'access_denied'
  | 'access_check_fail'
  | 'attribute_decode_failed'
  | 'attribute_parse_failed'
  | 'attributes_missing'
  | 'core_unreachable'
  | 'reply_too_large'
  | 'no_credentials'
  | 'unsupported_method'
  | 'undecodable_credentials'
  | 'eap_failure';
