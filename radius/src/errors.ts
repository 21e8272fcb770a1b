// What a request can end in besides an answer, as closed lists: labels of metrics and fields of logs are these words. And the
// faults that an operator can cause, with what to do about them.
import { GatewayError } from '@gatehouse/daemon/errors';

export type RadiusErrorCode = 'ERR_RADIUS_POLICY' | 'ERR_RADIUS_ACCOUNTING';

export function radiusError(code: RadiusErrorCode, message: string, hint: string): GatewayError<RadiusErrorCode> {
  return new GatewayError(code, message, { hint });
}

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
  | 'source_budget'
  | 'unsupported_code'
  | 'core_unreachable'
  | 'home_servers_down'
  | 'home_server_silent'
  | 'proxy_loop'
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
  | 'no_wifi_secret'
  | 'certificate_refused'
  | 'challenge_expired'
  | 'eap_failure'
  | 'home_server_rejected';
