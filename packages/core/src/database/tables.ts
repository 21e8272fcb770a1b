// The rows of the database (core.md §2–§9). Settings of kinds (providers, stages, policies) are JSON objects whose shape is
// checked by the kind's own schema.
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

type Json = JSONColumnType<Record<string, unknown>, string | undefined, string>;
type Time = ColumnType<Date, Date | undefined, Date>;
type MaybeTime = ColumnType<Date | null, Date | null | undefined, Date | null>;

export interface Tables {
  installation: { id: string };
  settings: { one_row: Generated<boolean>; data: Json };
  version_history: { id: Generated<number>; timestamp: Time; version: string; build: Generated<string> };
  users: {
    id: Generated<number>;
    uuid: Generated<string>;
    username: string;
    name: string;
    email: Generated<string>;
    password: Generated<string>;
    is_active: Generated<boolean>;
    path: Generated<string>;
    type: Generated<string>;
    attributes: Json;
    date_joined: Time;
    last_login: MaybeTime;
    password_change_date: Time;
    last_updated: Time;
  };
  groups: {
    uuid: Generated<string>;
    name: string;
    is_superuser: Generated<boolean>;
    attributes: Json;
    last_updated: Time;
  };
  group_parents: { child: string; parent: string };
  /** View: every group with itself and everything above it. */
  group_ancestry: { descendant: string; ancestor: string };
  /** View: groups whose members are superusers. */
  superuser_groups: { uuid: string };
  memberships: { user_id: number; group_uuid: string };
  /** What outposts follow; written by triggers. `xid` is the transaction's number as text. */
  directory_changes: { seq: Generated<string>; xid: Generated<string>; at: Time; kind: string; key: string };
  /** One row: changes of transactions before this one have been forgotten. */
  directory_changes_floor: { xid: string };
  tokens: {
    uuid: Generated<string>;
    identifier: string;
    key: string;
    intent: string;
    user_id: number;
    description: Generated<string>;
    expires: MaybeTime;
    expiring: Generated<boolean>;
    managed: string | null;
  };
  /** A permission of a user, on one object or (object = '') on all. */
  grants: { user_id: number; permission: string; object: Generated<string> };
  roles: { uuid: Generated<string>; name: string; managed: string | null };
  role_users: { role: string; user_id: number };
  role_groups: { role: string; group_uuid: string };
  role_permissions: { id: Generated<number>; role: string; permission: string; object: Generated<string> };
  providers: {
    id: Generated<number>;
    kind: string;
    name: string;
    authentication_flow: string | null;
    authorization_flow: string | null;
    invalidation_flow: string | null;
    settings: Json;
  };
  applications: {
    pbm_uuid: Generated<string>;
    name: string;
    slug: string;
    group: Generated<string>;
    provider: number | null;
    policy_engine_mode: Generated<string>;
    settings: Json;
  };
  application_backchannel: { application: string; provider: number };
  outposts: { uuid: Generated<string>; name: string; type: string; config: Json; managed: string | null };
  outpost_instances: { outpost: string; uid: string; args: Json; last_seen: Time };
  outpost_providers: { outpost: string; provider: number };
  flows: {
    uuid: Generated<string>;
    pbm_uuid: Generated<string>;
    slug: string;
    name: string;
    title: string;
    designation: string;
    authentication: Generated<string>;
    denied_action: Generated<string>;
    policy_engine_mode: Generated<string>;
    layout: Generated<string>;
    background: Generated<string>;
    compatibility_mode: Generated<boolean>;
  };
  stages: { uuid: Generated<string>; name: string; kind: string; settings: Json };
  stage_bindings: {
    uuid: Generated<string>;
    pbm_uuid: Generated<string>;
    flow: string;
    stage: string;
    order: number;
    evaluate_on_plan: Generated<boolean>;
    re_evaluate_policies: Generated<boolean>;
    invalid_response_action: Generated<string>;
    policy_engine_mode: Generated<string>;
  };
  policies: { uuid: Generated<string>; name: string; kind: string; settings: Json };
  policy_bindings: {
    uuid: Generated<string>;
    target: string;
    policy: string | null;
    group: string | null;
    user: number | null;
    order: number;
    enabled: Generated<boolean>;
    negate: Generated<boolean>;
    timeout: Generated<number>;
    failure_result: Generated<boolean>;
  };
  prompts: { uuid: Generated<string>; name: string; settings: Json };
  application_entitlements: { pbm_uuid: Generated<string>; name: string; app: string; attributes: Json };
  initial_permissions: { id: Generated<number>; name: string; role: string; permissions: string[] };
  notifications: {
    uuid: Generated<string>;
    user_id: number;
    event: string | null;
    severity: string;
    body: string;
    hyperlink: string | null;
    hyperlink_label: string | null;
    seen: Generated<boolean>;
    created: Time;
  };
  consents: {
    id: Generated<number>;
    uuid: Generated<string>;
    user_id: number;
    application: string;
    permissions: string;
    expires: MaybeTime;
  };
  reputation: {
    uuid: Generated<string>;
    identifier: string;
    ip: string;
    score: number;
    updated: Time;
    expires: Time;
  };
  login_brake: { subject: string; failures: number; failed_at: Time };
  property_mappings: {
    uuid: Generated<string>;
    kind: string;
    name: string;
    managed: string | null;
    settings: Json;
  };
  sessions: {
    /** Hex SHA-256 of the session key: the key itself is never stored. */
    id: string;
    uuid: Generated<string>;
    user_id: number | null;
    data: Json;
    expires: Time;
    last_used: Time;
    last_ip: Generated<string>;
    last_user_agent: Generated<string>;
  };
  oauth_grants: {
    hash: string;
    kind: string;
    provider: number;
    user_id: number;
    session_id: string | null;
    family: string | null;
    expires: Time;
    revoked: Generated<boolean>;
    rotated: MaybeTime;
    successor_salt: Generated<string | null>;
    data: Json;
  };
  device_grants: {
    hash: string;
    user_code: string;
    provider: number;
    user_id: Generated<number | null>;
    session_id: Generated<string | null>;
    expires: Time;
    data: Json;
  };
  oauth_participants: { session_id: string; provider: number; issuer: string; subject: string };
  devices: {
    id: Generated<number>;
    kind: string;
    user_id: number;
    name: Generated<string>;
    confirmed: Generated<boolean>;
    settings: Json;
    failures: Generated<number>;
    failed_at: MaybeTime;
    last_used: MaybeTime;
    created: Time;
    last_updated: Time;
  };
  static_tokens: { device_id: number; token: string };
  certificates: {
    uuid: Generated<string>;
    name: string;
    certificate_data: string;
    key_data: Generated<string>;
    fingerprint_sha256: string;
    fingerprint_sha1: string;
    cert_expiry: Time;
    cert_subject: string;
    key_type: string | null;
    managed: string | null;
  };
  brands: {
    uuid: Generated<string>;
    domain: string;
    default: Generated<boolean>;
    flow_authentication: string | null;
    flow_invalidation: string | null;
    attributes: Json;
    settings: Json;
  };
  blueprints: {
    uuid: Generated<string>;
    name: string;
    path: Generated<string>;
    content: Generated<string>;
    context: Json;
    enabled: Generated<boolean>;
    metadata: Json;
    shipped: Generated<boolean>;
    last_applied_hash: Generated<string>;
    last_applied: MaybeTime;
    status: Generated<string>;
  };
  events: {
    uuid: Generated<string>;
    action: string;
    app: string;
    context: Json;
    client_ip: string | null;
    user: Json;
    brand: Json;
    created: Time;
    expires: MaybeTime;
    expiring: Generated<boolean>;
  };
  notification_transports: { uuid: Generated<string>; name: string; settings: Json };
  notification_rules: {
    pbm_uuid: Generated<string>;
    name: string;
    destination_group: string | null;
    settings: Json;
  };
  notification_rule_transports: { rule: string; transport: string };
  schedules: {
    id: Generated<string>;
    identifier: string | null;
    uid: string;
    actor_name: string;
    rel_obj_app_label: string | null;
    rel_obj_model: string | null;
    rel_obj_id: string | null;
    crontab: string;
    paused: Generated<boolean>;
    next_run: Time;
    /** Whether an administrator chose the crontab. */
    edited: Generated<boolean>;
    last_task: string | null;
  };
  tasks: {
    message_id: Generated<string>;
    queue_name: Generated<string>;
    actor_name: string;
    args: Json;
    state: Generated<string>;
    aggregated_status: Generated<string>;
    created: Time;
    mtime: Time;
    retries: Generated<number>;
    eta: MaybeTime;
    rel_obj_app_label: string | null;
    rel_obj_model: string | null;
    rel_obj_id: string | null;
    uid: string;
    /** The process that runs it. */
    worker: string | null;
    logs: JSONColumnType<TaskLog[], string | undefined, string>;
    previous_logs: JSONColumnType<TaskLog[], string | undefined, string>;
  };
  workers: { id: string; hostname: string; version: string; last_seen: Time };
}

/** One line of what a task said. */
export interface TaskLog {
  readonly timestamp: string;
  readonly log_level: 'debug' | 'info' | 'warning' | 'error';
  readonly logger: string;
  readonly event: string;
  readonly attributes: Readonly<Record<string, unknown>>;
}
