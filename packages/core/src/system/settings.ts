// Settings of the installation (core.md §9.6): one row, kept in memory by every core process and read again when one of
// them changes it.
import { z } from 'zod';
import type { Database } from '../database/connection.ts';
import { durationMs } from '../models/duration.ts';
import { duration } from '../models/field.ts';

const link = z.object({ name: z.string(), href: z.string() });

export const settingsSchema = z.object({
  avatars: z.string().default('gravatar,initials'),
  default_user_change_name: z.boolean().default(true),
  default_user_change_email: z.boolean().default(false),
  default_user_change_username: z.boolean().default(false),
  event_retention: duration.default('days=365'),
  reputation_lower_limit: z.number().int().max(0).default(-5),
  reputation_upper_limit: z.number().int().min(0).default(5),
  footer_links: z.array(link).default([]),
  gdpr_compliance: z.boolean().default(true),
  impersonation: z.boolean().default(true),
  impersonation_require_reason: z.boolean().default(true),
  default_token_duration: duration.default('days=1'),
  default_token_length: z.number().int().min(1).max(512).default(60),
  pagination_default_page_size: z.number().int().min(1).default(20),
  pagination_max_page_size: z.number().int().min(1).default(100),
  flags: z
    .object({
      core_default_app_access: z.boolean().default(true),
      flows_refresh_others: z.boolean().default(false),
      flows_continuous_login: z.boolean().default(false),
      enterprise_audit_include_expanded_diff: z.boolean().default(false),
    })
    .prefault({}),
});
export type CoreSettings = z.infer<typeof settingsSchema>;

export interface SettingsStore {
  current(): CoreSettings;
  /** Length of life of events and of tokens, in milliseconds. */
  eventRetentionMs(): number;
  tokenDurationMs(): number;
  /** Stores them, for every core process. */
  replace(settings: CoreSettings): Promise<void>;
  /** Reads them again: for when a notification may have been missed. */
  refresh(): Promise<void>;
}

export async function createSettingsStore(database: Database): Promise<SettingsStore> {
  const read = async (): Promise<CoreSettings> => {
    const { data } = await database.kysely.selectFrom('settings').select('data').executeTakeFirstOrThrow();
    return settingsSchema.parse(data);
  };
  let current = await read();
  const refresh = async () => {
    current = await read();
  };
  await database.listen('settings_changed', () => void refresh().catch(() => {})); // the next refresh reads them anyway
  return {
    current: () => current,
    eventRetentionMs: () => durationMs(current.event_retention),
    tokenDurationMs: () => durationMs(current.default_token_duration),
    refresh,
    async replace(settings) {
      await database.kysely
        .updateTable('settings')
        .set({ data: JSON.stringify(settings) })
        .execute();
      current = settings;
      await database.notify('settings_changed', '');
    },
  };
}
