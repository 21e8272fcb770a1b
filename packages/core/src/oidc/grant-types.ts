// The grants of the token endpoint by their names (core.md §17.5).
import { byClientCredentials } from './by-client-credentials.ts';
import { byCode } from './by-code.ts';
import { byDeviceCode } from './by-device-code.ts';
import { byRefreshToken } from './by-refresh-token.ts';
import { deviceGrantType } from './device-start.ts';
import type { TokenRequest } from './token-request.ts';

export const grantTypes: ReadonlyMap<string, (request: TokenRequest) => Promise<object>> = new Map([
  ['authorization_code', byCode],
  ['refresh_token', byRefreshToken],
  ['client_credentials', byClientCredentials],
  ['password', byClientCredentials],
  [deviceGrantType, byDeviceCode],
]);
