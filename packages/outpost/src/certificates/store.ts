// Key pairs of providers by id (core-contract §6.1, B9): the fingerprint is compared once per refresh, only a changed pair is
// fetched, and a failure keeps the last good one.
import { X509Certificate } from 'node:crypto';
import type { CoreClient } from '@gatehouse/contract/client';
import { certificateData, certificateRow } from '@gatehouse/contract/rest';
import type { Logger } from '@gatehouse/daemon/log';
import type { Reading } from '@gatehouse/daemon/metrics';
import type { KeyPair } from '@gatehouse/daemon/tls';

export interface CertificatePair extends KeyPair {
  readonly fingerprint: string;
  /** When it runs out, unix time; absent for what this release cannot read. */
  readonly notAfter?: number;
}

export interface CertificateStore {
  /** Brings the pairs of these ids up to date; failures are logged, not thrown. */
  refresh(ids: readonly string[], signal: AbortSignal): Promise<void>;
  /** The last good pair; `undefined` when there is none or it has no private key. */
  get(id: string): CertificatePair | undefined;
  /** When each runs out, unix time. */
  expiries(): readonly Reading[];
}

export function createCertificates(client: CoreClient, log: Logger): CertificateStore {
  const pairs = new Map<string, CertificatePair>();
  const refreshOne = async (id: string, signal: AbortSignal) => {
    const path = `/crypto/certificatekeypairs/${encodeURIComponent(id)}/`;
    const { fingerprint_sha256: fingerprint } = await client.get(path, certificateRow, { signal });
    if (fingerprint !== null && pairs.get(id)?.fingerprint === fingerprint) return;
    const certPem = (await client.get(`${path}view_certificate/`, certificateData, { signal })).data;
    const keyPem = (await client.get(`${path}view_private_key/`, certificateData, { signal })).data;
    if (keyPem === '') pairs.delete(id);
    else pairs.set(id, { certPem, keyPem, fingerprint: fingerprint ?? '', ...lifeOf(certPem) });
  };
  return {
    async refresh(ids, signal) {
      for (const id of new Set(ids)) {
        await refreshOne(id, signal).catch((error: unknown) => {
          log.warn('certificate not loaded', {
            component: id,
            error: error instanceof Error ? error.message : String(error),
            hint: 'the last good one stays in use',
          });
        });
      }
      for (const id of pairs.keys()) if (!ids.includes(id)) pairs.delete(id);
    },
    get: (id) => pairs.get(id),
    expiries: () =>
      [...pairs].flatMap(([certificate, { notAfter }]) =>
        notAfter === undefined ? [] : [{ labels: { certificate }, value: notAfter }],
      ),
  };
}

function lifeOf(certPem: string): { readonly notAfter?: number } {
  try {
    return { notAfter: Date.parse(new X509Certificate(certPem).validTo) / 1000 };
  } catch {
    return {}; // whoever uses it says what is wrong with it
  }
}
