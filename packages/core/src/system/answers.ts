// About the core itself, as the OpenAPI document tells it.
import { z } from 'zod';
import { anything, moment, names } from '../api/answers.ts';

/** Which version runs, and whether there is a newer one. */
export const versionShape = z.object({
  version_current: z.string(),
  version_latest: z.string(),
  version_latest_valid: z.boolean(),
  build_hash: z.string(),
  outdated: z.boolean(),
  outpost_outdated: z.boolean(),
});

/** A version that ran here, and since when. */
export const pastVersionShape = z.object({
  id: z.int(),
  timestamp: moment,
  version: z.string(),
  build: z.string(),
});

/** What pages may know before anybody is signed in. */
export const rootConfigShape = z.object({
  error_reporting: z.object({
    enabled: z.boolean(),
    sentry_dsn: z.string(),
    environment: z.string(),
    send_pii: z.boolean(),
    traces_sample_rate: z.number(),
  }),
  capabilities: names,
  cache_timeout: z.int(),
  cache_timeout_flows: z.int(),
  cache_timeout_policies: z.int(),
});

/** Where and on what the core runs. */
export const systemShape = z.object({
  http_headers: anything,
  http_host: z.string(),
  http_is_secure: z.boolean(),
  runtime: z.object({
    python_version: z.string(),
    environment: z.string(),
    architecture: z.string(),
    platform: z.string(),
    uname: z.string(),
    openssl_version: z.string(),
    openssl_fips_enabled: z.boolean().nullable(),
    authentik_version: z.string(),
  }),
  brand: z.string(),
  server_time: moment,
  embedded_outpost_disabled: z.boolean(),
  embedded_outpost_host: z.string(),
});

/** An app or model, and what people call it. */
export const labelledShape = z.object({ name: z.string(), label: z.string() });
