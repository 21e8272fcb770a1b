// The few calls that the single-command installation makes to its own core: the tokens of its outposts.
import { z } from 'zod';
import { cliError } from '../errors.ts';

const outposts = z.object({
  results: z.array(z.object({ type: z.string(), managed: z.string().nullish(), token_identifier: z.string() })),
});
const token = z.object({ key: z.string() });

/** Key of the service account of the first outpost of this type that is not the embedded one. @throws GatewayError `ERR_CLI_CORE_API` */
export async function fetchOutpostToken(coreUrl: string, adminToken: string, type: string): Promise<string> {
  const { results } = await call(`${coreUrl}api/v3/outposts/instances/?page_size=100`, adminToken, outposts);
  const outpost = results.find((row) => row.type === type && row.managed == null);
  if (outpost === undefined)
    throw cliError(
      'ERR_CLI_CORE_API',
      `The core has no outpost of type ${type}.`,
      'Make one, or start with an empty data folder.',
    );
  const { key } = await call(`${coreUrl}api/v3/core/tokens/${outpost.token_identifier}/view_key/`, adminToken, token);
  return key;
}

async function call<S extends z.ZodType>(url: string, adminToken: string, shape: S): Promise<z.infer<S>> {
  const response = await fetch(url, { headers: { Authorization: `Bearer ${adminToken}` } });
  const body: unknown = await response.json().catch(() => undefined);
  const { data, success } = shape.safeParse(body);
  if (response.ok && success) return data;
  throw cliError(
    'ERR_CLI_CORE_API',
    `The core answered ${url} with ${response.status}.`,
    'The bootstrap token was changed or deleted in the core: put its key into the file secrets/admin-token of the data folder.',
  );
}
