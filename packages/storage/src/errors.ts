// Everything that can go wrong with a stored file, as a closed set of codes (files.md §15.4). Mapped to HTTP in one place
// by whoever speaks HTTP.
import { GatewayError } from '@gatehouse/daemon/errors';

export type StorageErrorCode =
  | 'ERR_STORAGE_EXISTS'
  | 'ERR_STORAGE_NOT_FOUND'
  | 'ERR_STORAGE_INVALID_NAME'
  | 'ERR_STORAGE_TOO_LARGE'
  | 'ERR_STORAGE_TYPE_REJECTED'
  | 'ERR_STORAGE_UNAVAILABLE'
  | 'ERR_STORAGE_FORBIDDEN'
  | 'ERR_STORAGE_NOT_MANAGEABLE'
  | 'ERR_STORAGE_CONFIG';

/** Creates a storage error whose text may be shown to the administrator who asked. */
export function storageError(code: StorageErrorCode, message: string, hint: string, cause?: unknown): GatewayError {
  return new GatewayError<StorageErrorCode>(code, message, {
    hint,
    expose: true,
    ...(cause === undefined ? {} : { cause }),
  });
}
