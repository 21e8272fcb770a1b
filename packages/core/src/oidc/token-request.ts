// A request at the token endpoint, as its grants see it (core.md §17.5).
import type { CoreDeps } from '../deps.ts';
import { type Client, secretHolds } from './client.ts';
import { invalidClient } from './failure.ts';

export interface TokenRequest {
  readonly deps: CoreDeps;
  readonly client: Client;
  readonly form: ReadonlyMap<string, string>;
  readonly secret: string;
  readonly issuer: string;
  readonly clientIp: string;
}

/** Confidential clients show their secret, public ones have none. @throws OauthFailure */
export function authenticateClient({ client, secret }: TokenRequest): void {
  if (client.client_type !== 'public' && !secretHolds(client, secret)) throw invalidClient();
}
