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

/** Parameters the URI already has stay in front (proxy.md §7.6). */
export function sendBack({ redirectUri, query, reply }: Asking, parameters: Readonly<Record<string, string>>) {
  const target = new URL(redirectUri);
  for (const [name, value] of Object.entries(parameters)) target.searchParams.append(name, value);
  const state = query.get('state');
  if (state !== null) target.searchParams.append('state', state);
  return reply.redirect(target.href, 302);
}
