// What the operations answer that are no routes of a model: shapes for the OpenAPI document. `shapes.type-test.ts` compares
// them with the vendor's own client, `vendor.test.ts` and `vendor-client.test.ts` with what is really answered.
import { z } from 'zod';
import { kindShape, themedUrls } from '../models/shapes.ts';

const names = z.array(z.string());
const anything = z.record(z.string(), z.unknown());
const moment = z.iso.datetime({ offset: true });
const named = z.object({ pk: z.string(), name: z.string() });

const logLine = z.object({
  timestamp: moment,
  log_level: z.string(),
  logger: z.string(),
  event: z.string(),
  attributes: anything,
});

/** The envelope of lists around rows of this shape (api/pagination.ts). */
export const pageShape = <Row extends z.ZodType>(row: Row) =>
  z.object({
    pagination: z.object({
      next: z.int(),
      previous: z.int(),
      count: z.int(),
      current: z.int(),
      total_pages: z.int(),
      start_index: z.int(),
      end_index: z.int(),
    }),
    results: z.array(row),
    autocomplete: anything,
  });

/** The system. */
export const versionShape = z.object({
  version_current: z.string(),
  version_latest: z.string(),
  version_latest_valid: z.boolean(),
  build_hash: z.string(),
  outdated: z.boolean(),
  outpost_outdated: z.boolean(),
});
export const pastVersionShape = z.object({
  id: z.int(),
  timestamp: moment,
  version: z.string(),
  build: z.string(),
});
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
export const labelledShape = z.object({ name: z.string(), label: z.string() });
export const workerShape = z.object({
  worker_id: z.string(),
  version: z.string(),
  version_matching: z.boolean(),
});
export const countryShape = z.object({ code: z.string(), name: z.string() });

/** Kinds of objects, and what uses one. */
export const kindToMakeShape = z.object({
  name: z.string(),
  description: z.string(),
  component: z.string(),
  model_name: z.string(),
  requires_enterprise: z.boolean().optional(),
  deprecated: z.boolean().optional(),
});
export const useShape = z.object({
  app: z.string(),
  model_name: z.string(),
  pk: z.string(),
  name: z.string(),
  action: z.string(),
});
export const cacheShape = z.object({ count: z.int() });
export const linkShape = z.object({ link: z.string() });

/** Users and their devices. */
export const selfShape = z.object({
  user: z.object({
    pk: z.int(),
    username: z.string(),
    name: z.string(),
    is_active: z.boolean(),
    is_superuser: z.boolean(),
    groups: z.array(named),
    roles: z.array(named),
    email: z.string(),
    avatar: z.string(),
    uid: z.string(),
    settings: anything,
    type: z.string(),
    system_permissions: names,
  }),
});
export const serviceAccountShape = z.object({
  username: z.string(),
  token: z.string(),
  user_uid: z.string(),
  user_pk: z.int(),
  group_pk: z.string().optional(),
});
export const pathsShape = z.object({ paths: names });
const { component: _component, ...deviceKind } = kindShape;
export const deviceShape = z.object({
  ...deviceKind,
  pk: z.string(),
  name: z.string(),
  type: z.string(),
  confirmed: z.boolean(),
  created: moment,
  last_updated: moment,
  last_used: moment.nullable(),
  extra_description: z.string().nullable(),
  external_id: z.string().nullable(),
});
export const userSettingShape = z.object({
  object_uid: z.string(),
  component: z.string(),
  title: z.string(),
  configure_url: z.string(),
});

/** Rights. */
export const rightShape = z.object({
  id: z.int(),
  name: z.string(),
  codename: z.string(),
  model: z.string(),
  app_label: z.string(),
  app_label_verbose: z.string(),
  model_verbose: z.string(),
});
const heldRight = z.object({
  id: z.int(),
  codename: z.string(),
  model: z.string(),
  app_label: z.string(),
  name: z.string(),
});
export const rightOnObjectShape = z.object({
  ...heldRight.shape,
  object_pk: z.string(),
  app_label_verbose: z.string(),
  model_verbose: z.string(),
  object_description: z.string(),
});
export const roleWithRightsShape = z.object({
  role_pk: z.string(),
  name: z.string(),
  model_permissions: z.array(heldRight),
  object_permissions: z.array(heldRight.extend({ object_pk: z.string() })),
});
export const assignedShape = z.object({ id: z.string() });

/** Decisions, mappings and previews. */
export const decisionShape = z.object({
  passing: z.boolean(),
  messages: names,
  log_messages: z.array(logLine),
});
export const mappingResultShape = z.object({ result: z.string(), successful: z.boolean() });
export const madeTogetherShape = z.object({ applied: z.boolean(), logs: names });
export const claimsShape = z.object({ preview: anything });
export const setupUrlsShape = z.object({
  issuer: z.string().nullable(),
  authorize: z.string(),
  token: z.string(),
  user_info: z.string(),
  provider_info: z.string().nullable(),
  logout: z.string().nullable(),
  jwks: z.string().nullable(),
});

/** Flows. Which fields a challenge has depends on its component; see the specification of the flow executor. */
export const challengeShape = z.looseObject({ component: z.string() });
export const challengeAnswerShape = z.looseObject({ component: z.string().optional() });
const inspectedPlan = z.object({
  current_stage: z.looseObject({ pk: z.string() }).nullable(),
  next_planned_stage: z.looseObject({ pk: z.string() }).nullable(),
  plan_context: anything,
  session_id: z.string(),
});
export const inspectionShape = z.object({
  plans: z.array(inspectedPlan),
  current_plan: inspectedPlan,
  is_completed: z.boolean(),
});
export const promptPreviewShape = z.object({
  flow_info: z.object({ title: z.string(), background: z.string(), cancel_url: z.string(), layout: z.string() }),
  component: z.string(),
  fields: z.array(
    z.object({
      field_key: z.string(),
      label: z.string(),
      type: z.string(),
      required: z.boolean(),
      placeholder: z.string(),
      initial_value: z.string(),
      order: z.int(),
      sub_text: z.string(),
      choices: z.array(z.object({ value: z.string(), label: z.string() })).nullable(),
    }),
  ),
});

/** The brand of a host: slugs of flows are there where a flow is set. */
const slug = z.string().optional();
export const currentBrandShape = z.object({
  matched_domain: z.string(),
  branding_title: z.string(),
  branding_logo: z.string(),
  branding_logo_themed_urls: themedUrls,
  branding_favicon: z.string(),
  branding_favicon_themed_urls: themedUrls,
  branding_custom_css: z.string(),
  ui_footer_links: z.array(z.object({ href: z.string().nullable(), name: z.string() })),
  ui_theme: z.string(),
  flow_authentication: slug,
  flow_invalidation: slug,
  flow_recovery: slug,
  flow_unenrollment: slug,
  flow_user_settings: slug,
  flow_device_code: slug,
  flow_lockdown: slug,
  default_locale: z.string(),
  flags: z.object({ flows_refresh_others: z.boolean(), flows_continuous_login: z.boolean() }),
});

/** What outposts ask for; `provider-rows.ts` types the rows by the vendor's client. */
const served = { pk: z.int(), name: z.string(), certificate: z.string().nullable() };
export const servedShapes = {
  ldap: z.object({
    ...served,
    base_dn: z.string(),
    bind_flow_slug: z.string(),
    unbind_flow_slug: z.string().nullable(),
    application_slug: z.string(),
    tls_server_name: z.string(),
    uid_start_number: z.int(),
    gid_start_number: z.int(),
    search_mode: z.enum(['direct', 'cached']),
    bind_mode: z.enum(['direct', 'cached']),
    mfa_support: z.boolean(),
  }),
  radius: z.object({
    ...served,
    application_slug: z.string(),
    auth_flow_slug: z.string(),
    client_networks: z.string(),
    shared_secret: z.string(),
    mfa_support: z.boolean(),
    wifi_secrets: z.boolean(),
    local_certificates: z.boolean(),
  }),
  proxy: z.object({
    ...served,
    internal_host: z.string(),
    external_host: z.string(),
    internal_host_ssl_validation: z.boolean(),
    client_id: z.string(),
    client_secret: z.string(),
    oidc_configuration: anything,
    cookie_secret: z.string(),
    cookie_domain: z.string(),
    skip_path_regex: z.string(),
    basic_auth_enabled: z.boolean(),
    basic_auth_password_attribute: z.string(),
    basic_auth_user_attribute: z.string(),
    mode: z.string(),
    access_token_validity: z.number(),
    intercept_header_auth: z.boolean(),
    scopes_to_request: names,
    assigned_application_slug: z.string(),
    assigned_application_name: z.string(),
  }),
};
export const directoryAccessShape = z.object({ has_search_permission: z.boolean(), access: decisionShape });
export const radiusAccessShape = z.object({ attributes: z.string().nullable().optional(), access: decisionShape });
export const wifiSecretsShape = z.object({ secrets: z.array(z.object({ pk: z.string(), nt_hash: z.string() })) });
export const radiusLoginShape = radiusAccessShape.extend({
  user: z
    .object({ pk: z.int(), username: z.string(), groups: z.array(named) })
    .nullable()
    .optional(),
  session: z.object({ id: z.string() }).optional(),
});
const since = <Key extends z.ZodType>(key: Key) =>
  z.object({ changed: z.array(z.looseObject({ pk: key })), gone: z.array(key) });
export const syncShape = z.object({
  cursor: z.string(),
  reset: z.boolean(),
  users: since(z.int()),
  groups: since(z.string()),
});
export const outpostDefaultsShape = z.object({ config: anything });
export const instanceShape = z.object({
  uid: z.string(),
  last_seen: moment,
  version: z.string().nullable(),
  version_should: z.string(),
  version_outdated: z.boolean(),
  build_hash: z.string(),
  build_hash_should: z.string(),
  golang_version: z.string(),
  openssl_enabled: z.boolean(),
  openssl_version: z.string(),
  fips_enabled: z.boolean().nullable(),
  hostname: z.string(),
});

/** Events in numbers. */
export const volumeShape = z.object({ action: z.string(), time: moment, count: z.int() });
export const topShape = z.object({
  application: z.unknown(),
  counted_events: z.int(),
  unique_users: z.int(),
});
export const statsShape = z.object({ count_step: z.record(z.string(), z.int()), unique_users: z.int() });

/** Blueprints. */
export const blueprintFileShape = z.object({
  path: z.string(),
  last_m: moment,
  hash: z.string(),
  meta: z.looseObject({ name: z.string(), labels: anything }),
});
export const importShape = z.object({
  success: z.boolean(),
  logs: z.array(logLine),
  entries: z.array(z.looseObject({ entry: z.string(), model: z.string(), action: z.string() })).optional(),
});

/** Stored files. */
const file = { name: z.string(), mime_type: z.string(), url: z.string(), themed_urls: themedUrls };
export const filesShape = z.union([
  z.array(z.object(file)),
  pageShape(
    z.object({
      ...file,
      size: z.int().nullable(),
      modified: moment.nullable(),
      manageable: z.boolean(),
      valid_name: z.boolean(),
    }),
  ),
]);
const stored = { name: z.string(), mime_type: z.string(), size: z.int(), etag: z.string() };
export const storedFileShape = z.object(stored);
export const uploadedFileShape = z.object({ ...file, ...stored });
const { action: _action, ...fileOwner } = useShape.shape;
export const fileReferencesShape = z.object({
  orphans: z.array(z.object({ name: z.string(), size: z.int().nullable(), modified: moment.nullable() })),
  dangling: z.array(z.object({ ...fileOwner, field: z.string(), missing: z.string() })),
});
