// Whom a mutual TLS stage trusts, and whether a certificate hangs there.
import { X509Certificate } from 'node:crypto';
import { clientChain, outOfDate, pemBlocks } from '@gatehouse/daemon/certificates';
import { brandOfHost, brandValue } from '../../brands/current.ts';
import { remembered } from '../../database/remembered.ts';
import type { CoreDeps } from '../../deps.ts';
import type { StageContext } from '../stage.ts';

export interface Presented {
  readonly leaf: X509Certificate;
  readonly sentAlong: readonly X509Certificate[];
}

/** Why a certificate counts for nothing; `undefined` if it is good now. */
export async function reasonAgainst(
  context: StageContext,
  { leaf, sentAlong }: Presented,
): Promise<string | undefined> {
  const { deps } = context;
  const { trusted } = await authoritiesOf(deps, (await keysOf(context)).join(' '));
  if (trusted.length === 0) return 'neither the stage nor the brand names an authority that exists';
  const chain = clientChain(leaf, { trusted, sentAlong });
  if (typeof chain === 'string') return chain;
  const nowMs = deps.clock.now();
  for (const certificate of chain) {
    const reason = outOfDate(certificate, nowMs);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Those of the stage win over those of the brand under whose host the flow runs. */
async function keysOf({ deps, request, settings }: StageContext): Promise<readonly string[]> {
  const own = listOf(settings['certificate_authorities']);
  return own.length > 0 ? own : listOf(brandValue(await brandOfHost(deps, request.host), 'client_certificates'));
}

/** A key pair may hold several certificates, such as an authority and the one above it. */
const authoritiesOf = remembered(async ({ database }: CoreDeps, text) => {
  const keys = text.split(' ').filter(isUuid);
  if (keys.length === 0) return { trusted: [] };
  const rows = await database.kysely
    .selectFrom('certificates')
    .select('certificate_data')
    .where('uuid', 'in', keys)
    .execute();
  const blocks = rows.flatMap((row) => pemBlocks(row.certificate_data, 'CERTIFICATE'));
  return { trusted: [...new Set(blocks)].map((pem) => new X509Certificate(pem)) };
});

const isUuid = (text: string) => /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i.test(text);

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
