// What EAP reads from files: a server certificate for providers that have none in the core, the authority of client
// certificates, and its revocation lists. Read at the start and at each refresh; a file that cannot be used leaves the last
// good state in force and says so. Called by start.ts.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Logger } from '@gatehouse/daemon/log';
import type { CertificatePair } from '@gatehouse/outpost';
import { type Authority, createAuthority, type UserField } from './client-certificate.ts';

export interface KeyFileNames {
  /** Empty for none, as all of them. */
  readonly certificate: string;
  readonly key: string;
  readonly clientCa: string;
  readonly clientCrl: string;
  readonly userField: UserField;
}

export interface KeyFiles {
  readonly pair: () => CertificatePair | undefined;
  readonly authority: () => Authority | undefined;
  refresh(): Promise<void>;
}

export function createKeyFiles(names: KeyFileNames, log: Logger): KeyFiles {
  let pair: CertificatePair | undefined;
  let authority: Authority | undefined;
  const keepLastGood = (component: string, path: string) => (error: unknown) => {
    log.error('file not usable', { component, path, error: String(error), hint: 'the last good one stays in use' });
  };
  const readPair = async () => {
    const [certPem, keyPem] = await Promise.all([readFile(names.certificate, 'utf8'), readFile(names.key, 'utf8')]);
    pair = { certPem, keyPem, fingerprint: createHash('sha256').update(certPem).update(keyPem).digest('hex') };
  };
  const readAuthority = async () => {
    const caPem = await readFile(names.clientCa, 'utf8');
    const crlPem = names.clientCrl === '' ? undefined : await readFile(names.clientCrl, 'utf8');
    authority = await createAuthority({ caPem, crlPem, userField: names.userField });
  };
  return {
    pair: () => pair,
    authority: () => authority,
    async refresh() {
      if (names.certificate !== '') await readPair().catch(keepLastGood('eap certificate', names.certificate));
      if (names.clientCa !== '') await readAuthority().catch(keepLastGood('client authority', names.clientCa));
    },
  };
}
