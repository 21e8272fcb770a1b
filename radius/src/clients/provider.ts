// A provider as this daemon sees it, made from the core's row at each refresh (radius.md §3.1, §3.2).
import type { RadiusProviderRow } from '@gatehouse/contract/rest';
import { createPacketKey, maxSecretBytes, type PacketKey } from '@gatehouse/wire/radius';

export interface Provider {
  readonly pk: number;
  readonly name: string;
  readonly app: string;
  readonly flowSlug: string;
  /** As written in the core; not all of them need be networks. */
  readonly networks: readonly string[];
  /** `undefined` for an empty secret, or one of thousands of bytes: every packet of the provider is dropped. */
  readonly key: PacketKey | undefined;
  readonly mfaSupport: boolean;
  /** Id of the key pair for EAP. */
  readonly certificate: string | undefined;
  /** MS-CHAPv2 against generated Wi-Fi secrets; only our own core can. */
  readonly wifiSecrets: boolean;
  /** Client certificates checked here; only our own core takes our word. */
  readonly localCertificates: boolean;
}

export function providerFromApi(row: RadiusProviderRow): Provider {
  return {
    pk: row.pk,
    name: row.name,
    app: row.application_slug,
    flowSlug: row.auth_flow_slug,
    networks: row.client_networks
      .split(',')
      .map((entry) => entry.trim())
      .filter((entry) => entry !== ''),
    key: keyOf(row.shared_secret),
    mfaSupport: row.mfa_support,
    certificate: row.certificate ?? undefined,
    wifiSecrets: row.wifi_secrets,
    localCertificates: row.local_certificates,
  };
}

function keyOf(secret: string): PacketKey | undefined {
  const length = Buffer.byteLength(secret);
  return length === 0 || length > maxSecretBytes ? undefined : createPacketKey(secret);
}
