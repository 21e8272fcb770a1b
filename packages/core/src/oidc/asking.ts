// A question at the authorization endpoint whose redirect URI is trusted, and how it is answered (core.md §17.4).
import type { ApiReply, ApiRequest } from '../api/request.ts';
import type { CoreDeps } from '../deps.ts';
import type { Client } from './client.ts';

export interface Asking {
  readonly deps: CoreDeps;
  readonly client: Client;
  readonly query: URLSearchParams;
  readonly redirectUri: string;
  readonly request: ApiRequest;
  readonly reply: ApiReply;
}

export const promptsOf = (query: URLSearchParams): string[] =>
  (query.get('prompt') ?? '').split(' ').filter((prompt) => prompt !== '');

export function sendBack(asking: Asking, parameters: Readonly<Record<string, string>>) {
  return asking.reply.redirect(addressBack(asking, parameters), 302);
}

/** The client's address for an answer. Parameters the URI already has stay in front (proxy.md §7.6). */
export function addressBack(
  { redirectUri, query }: Pick<Asking, 'redirectUri' | 'query'>,
  parameters: Readonly<Record<string, string>>,
): string {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.append(name, value);
  const state = query.get('state');
  if (state !== null) target.searchParams.append('state', state);
  return target.href;
}
