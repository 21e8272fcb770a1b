// Claims of an access token as far as the proxy uses them (proxy.md §7.4), read tolerantly: a wrongly typed claim is
// coerced or dropped, never a failed login. Called after verification only.

export interface Claims {
  readonly sub: string;
  /** Epoch seconds, whole. */
  readonly exp: number;
  /** SHA-256 of the core's session key; absent for client-credential tokens. */
  readonly sid: string | undefined;
  readonly email: string;
  readonly name: string;
  readonly preferredUsername: string;
  readonly groups: readonly string[];
  readonly entitlements: readonly string[];
  readonly authTime: number | undefined;
  /** How the user has authenticated (RFC 8176). */
  readonly amr: readonly string[];
  readonly akProxy: AkProxy;
  /** The token itself, as the upstream gets it. */
  readonly rawToken: string;
}

export interface AkProxy {
  readonly present: boolean;
  readonly userAttributes: Readonly<Record<string, unknown>>;
  readonly backendOverride: string;
  readonly hostHeader: string;
  readonly isSuperuser: boolean;
}

/** @param payload of a verified token, or the answer of an introspection */
export function parseClaims(payload: Readonly<Record<string, unknown>>, rawToken: string): Claims {
  const proxy = record(payload['ak_proxy']);
  return {
    sub: text(payload['sub']),
    exp: whole(payload['exp']) ?? 0,
    sid: text(payload['sid']) || undefined,
    email: text(payload['email']),
    name: text(payload['name']),
    preferredUsername: text(payload['preferred_username']),
    groups: list(payload['groups']),
    entitlements: list(payload['entitlements']),
    authTime: whole(payload['auth_time']),
    amr: list(payload['amr']),
    akProxy: {
      present: proxy !== undefined,
      userAttributes: record(proxy?.['user_attributes']) ?? {},
      backendOverride: text(proxy?.['backend_override']),
      hostHeader: text(proxy?.['host_header']),
      isSuperuser: proxy?.['is_superuser'] === true,
    },
    rawToken,
  };
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function list(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.map(text).filter((item) => item !== '');
  const single = text(value);
  return single === '' ? [] : [single];
}

function whole(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? Math.floor(value) : undefined;
}

function record(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>) // an object that is no list: every key may be read as unknown
    : undefined;
}
