// Which provider serves a RadSec peer: its certificate decides, never its address (radius.md B09). The list is
// `fingerprint=application`, the SHA-256 of the peer's certificate in hex; `*` stands for every certificate of the CA.
import { createPacketKey } from '@gatehouse/wire/radius';
import type { Provider } from '../clients/provider.ts';
import type { ClientSettings } from '../clients/settings.ts';
import type { Client } from '../clients/table.ts';

/** RFC 6614 §2.3: the shared secret over TLS; TLS is what protects. */
const radsecKey = createPacketKey('radsec');

/** @param fingerprint as node:tls gives it, with or without colons */
export function findPeer(
  entries: readonly string[],
  fingerprint: string,
  providers: readonly Provider[],
  settingsOf: (app: string) => ClientSettings,
): Client | undefined {
  const wanted = plain(fingerprint);
  const pairs = entries
    .map((entry) => entry.split('=', 2))
    .map(([name = '', app = '']) => ({ name: plain(name), app: app.trim() }));
  const found = pairs.find(({ name }) => name === wanted) ?? pairs.find(({ name }) => name === '*');
  const provider = providers.find(({ app }) => app === found?.app);
  if (provider === undefined) return undefined;
  return { provider, key: radsecKey, cidr: 'radsec', settings: settingsOf(provider.app) };
}

function plain(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').trim().toLowerCase();
}
