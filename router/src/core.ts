// What the router asks the core for itself (router.md §7.2): brands and their key pairs. The only file that touches the
// contract. Called by the brand watcher.
import { type CoreClient, createCoreClient, socketAddress } from '@gatehouse/contract/client';
import { type BrandRow, brandRow, certificateData, certificateRow } from '@gatehouse/contract/rest';
import type { Secret } from '@gatehouse/daemon/config';
import type { Brand } from './brands/identities.ts';
import { type CoreTarget, originOf } from './forwarding/core-connection.ts';

export interface BrandSource {
  /** All brands, each with its key material. @throws GatewayError of the contract when the core cannot be asked */
  fetchBrands(target: CoreTarget, signal: AbortSignal): Promise<Brand[]>;
}

export interface BrandSourceOptions {
  readonly token: Secret;
  readonly webPath: string;
  readonly version: string;
}

/** Certificate and, where there is one, private key. */
interface KeyMaterial {
  readonly fingerprint: string | null;
  readonly certPem: string;
  readonly keyPem: string;
}

/** Keeps key material by fingerprint: reading a private key is an event in the core's audit log (router.md §5.4). */
export function createBrandSource(options: BrandSourceOptions): BrandSource {
  const known = new Map<string, KeyMaterial>();
  const keyMaterial = async (client: CoreClient, id: string, signal: AbortSignal): Promise<KeyMaterial> => {
    const { fingerprint_sha256: fingerprint } = await client.get(pairPath(id), certificateRow, { signal });
    const held = known.get(id);
    if (held !== undefined && held.fingerprint === fingerprint) return held;
    const { data: certPem } = await client.get(`${pairPath(id)}view_certificate/`, certificateData, { signal });
    const { data: keyPem } = await client.get(`${pairPath(id)}view_private_key/`, certificateData, { signal });
    const fresh = { fingerprint, certPem, keyPem };
    known.set(id, fresh);
    return fresh;
  };
  const load = async (client: CoreClient, row: BrandRow, signal: AbortSignal): Promise<Brand> => {
    const own = row.web_certificate == null ? undefined : await keyMaterial(client, row.web_certificate, signal);
    const authorities = await Promise.all(row.client_certificates.map((id) => keyMaterial(client, id, signal)));
    return {
      domain: row.domain,
      isDefault: row.default,
      pair: own === undefined || own.keyPem === '' ? undefined : { certPem: own.certPem, keyPem: own.keyPem },
      clientAuthorities: authorities.map(({ certPem }) => certPem),
    };
  };
  return {
    async fetchBrands(target, signal) {
      const { webPath } = options;
      const host = target.kind === 'unix' ? socketAddress(target.path, webPath) : `${originOf(target)}${webPath}`;
      const userAgent = `goauthentik.io/ipc/${options.version}`;
      const client = createCoreClient({ host, token: options.token, insecure: false, userAgent });
      try {
        const rows = await client.pages('/core/brands/', brandRow, { signal });
        return await Promise.all(rows.map((row) => load(client, row, signal)));
      } finally {
        await client.close();
      }
    },
  };
}

function pairPath(id: string): string {
  return `/crypto/certificatekeypairs/${encodeURIComponent(id)}/`;
}
