// Routes of key pairs (core.md §11.6; core-contract §3.6): generating them, and reading their two halves.

import { z } from 'zod';
import { createByRequest } from '../api/create.ts';
import { registerModelRoutes, representOne } from '../api/crud.ts';
import { noPermission } from '../api/failure.ts';
import {
  type ApiReply,
  type ApiRequest,
  authorOf,
  bodyOf,
  queryOf,
  requirePermission,
  requirePrincipal,
} from '../api/request.ts';
import type { Api } from '../api/server.ts';
import { rowOf } from '../api/visibility.ts';
import type { CoreDeps } from '../deps.ts';
import { recordEvent } from '../events/record.ts';
import { may } from '../identity/permissions.ts';
import { InvalidInput } from '../models/invalid.ts';
import { inUnit } from '../models/unit.ts';
import { messagesByField } from '../models/validation.ts';
import { generateCertificate } from './generate.ts';
import { certificateModel } from './models.ts';

const prefix = '/api/v3/crypto/certificatekeypairs';
const parts = [
  {
    action: 'view_certificate',
    column: 'certificate_data',
    permission: 'view_certificatekeypair_certificate',
    file: 'certificate',
  },
  { action: 'view_private_key', column: 'key_data', permission: 'view_certificatekeypair_key', file: 'private_key' },
] as const;

const generation = z.object({
  common_name: z.string().min(1).max(64),
  subject_alt_name: z.string().default(''),
  validity_days: z.coerce.number().int().min(1).max(36_500),
  alg: z.enum(['rsa', 'ecdsa', 'ed25519', 'ed448']).default('rsa'),
});

export function registerCryptoRoutes(api: Api, deps: CoreDeps): void {
  api.post(
    `${prefix}/generate/`,
    { config: { operation: { summary: 'Generate a self-signed pair', body: generation, row: certificateModel } } },
    (request) => generate(deps, request),
  );
  registerModelRoutes(api, deps, certificateModel);
  for (const part of parts)
    api.get(
      `${prefix}/:key/${part.action}/`,
      { config: { operation: { summary: 'One half in PEM', answer: z.object({ data: z.string() }) } } },
      (request, reply) => viewPart(deps, part, request, reply),
    );
}

async function generate(deps: CoreDeps, request: ApiRequest) {
  requirePermission(request, 'authentik_crypto.add_certificatekeypair');
  const given = bodyOf(request);
  const { success, data, error } = generation.safeParse(given);
  if (!success) throw new InvalidInput(messagesByField(error, given));
  const { certificate, key } = await generateCertificate(
    {
      commonName: data.common_name,
      alternativeNames: data.subject_alt_name
        .split(',')
        .map((name) => name.trim())
        .filter(Boolean),
      validDays: data.validity_days,
      algorithm: data.alg,
    },
    deps.clock.now(),
  );
  const input = { name: data.common_name, certificate_data: certificate, key_data: key };
  const row = await inUnit(deps, authorOf(request), (unit) => createByRequest(unit, certificateModel, input));
  return representOne(deps, certificateModel, row, request);
}

async function viewPart(deps: CoreDeps, part: (typeof parts)[number], request: ApiRequest, reply: ApiReply) {
  const row = await rowOf(deps, certificateModel, request, 'view');
  const principal = requirePrincipal(request);
  const allowed =
    principal.via === 'secret key' || may(principal, `authentik_crypto.${part.permission}`, String(row['uuid']));
  if (!allowed) throw noPermission();
  const { clientIp, request: from } = authorOf(request);
  if (principal.user.type !== 'internal_service_account')
    await recordEvent(deps, {
      action: 'secret_view',
      app: 'authentik.crypto',
      user: principal.user,
      clientIp,
      from,
      context: {
        secret: { app: 'authentik_crypto', model_name: 'certificatekeypair', pk: row['uuid'], name: row['name'] },
        type: part.file,
      },
    });
  const data = String(row[part.column]);
  if (!queryOf(request).has('download')) return { data };
  return reply
    .type('application/x-pem-file')
    .header('Content-Disposition', `attachment; filename="${fileName(String(row['name']))}_${part.file}.pem"`)
    .send(data);
}

const fileName = (name: string) => name.replaceAll(/[^\w.-]+/g, '_');
