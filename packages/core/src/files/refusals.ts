// What a storage error is for the caller of the REST API (files.md §8.2, §12): the one place where the two meet.
import { isGatewayError } from '@gatehouse/daemon/errors';
import { ApiFailure } from '../api/failure.ts';

/** The refusal for a storage error; anything else comes back as it was. */
export function refusalOf(error: unknown): unknown {
  if (!isGatewayError(error)) return error;
  const text = `${error.message} ${error.hint}`;
  switch (error.code) {
    case 'ERR_STORAGE_EXISTS':
      return new ApiFailure(400, { name: ['A file with this name already exists.'] });
    case 'ERR_STORAGE_INVALID_NAME':
      return new ApiFailure(400, [text]);
    case 'ERR_STORAGE_TOO_LARGE':
    case 'ERR_STORAGE_TYPE_REJECTED':
      return new ApiFailure(400, { file: [text] });
    case 'ERR_STORAGE_NOT_MANAGEABLE':
    case 'ERR_STORAGE_FORBIDDEN':
    case 'ERR_STORAGE_CONFIG':
      return new ApiFailure(400, { detail: text, code: error.code });
    case 'ERR_STORAGE_NOT_FOUND':
      return new ApiFailure(404, { detail: error.message });
    case 'ERR_STORAGE_UNAVAILABLE':
      return new ApiFailure(503, { detail: text, code: error.code });
    default:
      return error;
  }
}

/** Whether somebody has to set the store right before it works again. */
export function isStoreTrouble(error: unknown): boolean {
  const troubles = ['ERR_STORAGE_UNAVAILABLE', 'ERR_STORAGE_FORBIDDEN', 'ERR_STORAGE_CONFIG'];
  return isGatewayError(error) && troubles.includes(error.code);
}
