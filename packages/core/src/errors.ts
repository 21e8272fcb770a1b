// Faults of the core itself.
import { GatewayError } from '@gatehouse/daemon/errors';

export type CoreErrorCode =
  | 'ERR_CORE_POSTGRES_MISSING'
  | 'ERR_CORE_POSTGRES_FAILED'
  | 'ERR_CORE_DATABASE'
  | 'ERR_CORE_DATA_FOLDER'
  | 'ERR_CORE_BACKUP'
  | 'ERR_CORE_BLUEPRINT'
  | 'ERR_CORE_MAIL'
  | 'ERR_CORE_MAIL_TEMPLATE'
  | 'ERR_CORE_USER'
  | 'ERR_CORE_IMPORT'
  | 'ERR_CORE_EXPRESSION'
  | 'ERR_CORE_FLOW'
  | 'ERR_CORE_PAGES';

export function coreError(
  code: CoreErrorCode,
  message: string,
  hint: string,
  cause?: unknown,
): GatewayError<CoreErrorCode> {
  return new GatewayError(code, message, { hint, ...(cause === undefined ? {} : { cause }) });
}
