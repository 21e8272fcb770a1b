// How the holder of a session proved who he is, for tokens (core.md §17.6).
import { z } from 'zod';

const loginData = z.object({
  auth_time: z.number().optional(),
  auth_method: z.string().default(''),
  auth_method_args: z.object({ mfa_devices: z.array(z.unknown()).default([]) }).prefault({}),
});

export interface LoginFacts {
  /** Seconds since 1970. */
  readonly authTime: number | undefined;
  /** RFC 8176 values. */
  readonly amr: string[];
}

export function loginFactsOf(data: Readonly<Record<string, unknown>>): LoginFacts {
  const { auth_time: at, auth_method: method, auth_method_args: args } = loginData.parse(data);
  return {
    authTime: at === undefined ? undefined : Math.floor(at / 1000),
    amr: [
      ...(method === 'password' ? ['pwd'] : []),
      ...(method === 'auth_webauthn_pwl' ? ['user'] : []),
      ...(args.mfa_devices.length > 0 ? ['mfa'] : []),
    ],
  };
}
