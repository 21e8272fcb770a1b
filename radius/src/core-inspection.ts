// What the commands ask of the core without running an outpost: its providers, and what a login of a user would get. Called by
// commands/run.ts.
import { createCoreClient } from '@gatehouse/contract/client';
import {
  certificateData,
  explainedAccessRow,
  type OutpostRow,
  outpostRow,
  type RadiusProviderRow,
  radiusProviderRow,
} from '@gatehouse/contract/rest';
import type { Secret } from '@gatehouse/daemon/config';
import { isGatewayError } from '@gatehouse/daemon/errors';

export interface ExplainedAccess {
  readonly isPassing: boolean;
  readonly attributes: string | undefined;
  /** `undefined` for nobody of this name who may log in. */
  readonly groups: readonly string[] | undefined;
}

export interface CoreInspection extends AsyncDisposable {
  outpost(): Promise<OutpostRow | undefined>;
  providers(): Promise<readonly RadiusProviderRow[]>;
  /** `undefined` when this core cannot tell, or may not tell this outpost. */
  explain(providerPk: number, username: string): Promise<ExplainedAccess | undefined>;
  /** PEM of a provider's certificate, and whether its key can be read. */
  certificate(id: string): Promise<{ readonly pem: string; readonly hasKey: boolean }>;
}

export function inspectCore(config: {
  readonly host: string;
  readonly token: Secret;
  readonly insecure: boolean;
}): CoreInspection {
  const core = createCoreClient({ ...config, userAgent: 'goauthentik.io/outpost/explain' });
  return {
    outpost: async () => (await core.pages('/outposts/instances/', outpostRow, {}))[0],
    providers: () => core.pages('/outposts/radius/', radiusProviderRow, {}),
    async explain(providerPk, username) {
      const path = `/outposts/radius/${providerPk}/explain/`;
      const told = await core.get(path, explainedAccessRow, { query: { username } }).catch((error: unknown) => {
        if (isGatewayError(error) && ['ERR_CONTRACT_NOT_FOUND', 'ERR_CONTRACT_FORBIDDEN'].includes(error.code))
          return undefined;
        throw error;
      });
      if (told === undefined) return undefined;
      return {
        isPassing: told.access.passing,
        attributes: told.attributes ?? undefined,
        groups: told.user?.groups.map(({ name }) => name),
      };
    },
    async certificate(id) {
      const path = `/crypto/certificatekeypairs/${encodeURIComponent(id)}/`;
      const { data: pem } = await core.get(`${path}view_certificate/`, certificateData, {});
      const { data: key } = await core.get(`${path}view_private_key/`, certificateData, {});
      return { pem, hasKey: key !== '' };
    },
    [Symbol.asyncDispose]: () => core.close(),
  };
}
