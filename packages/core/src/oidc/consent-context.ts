// What a plan knows of what an application asks to be allowed (core.md §13.4, `consent_permissions`).
import type { Client } from './client.ts';

/** Scopes are told by their descriptions; those without one by their names alone. */
export function consentContext({ mappings, application }: Client, scopes: readonly string[]) {
  const described = scopes.map((id) => ({
    id,
    name: mappings.find(({ scope, description }) => scope === id && description !== '')?.description ?? '',
  }));
  return {
    consent_header: `You're about to sign into ${application.name}.`,
    consent_permissions: described,
  };
}
