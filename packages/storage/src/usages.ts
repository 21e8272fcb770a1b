// Purposes of stored files (files.md §1.1, §1.2): each selects folder, key material and configuration overrides. A new
// usage is a new row here and nothing else.

export interface UsageTraits {
  /** Reachable through the files API, and may hold `/static/…` and external values. */
  readonly api: boolean;
}

export const usages = {
  media: { api: true },
  reports: { api: false },
} as const satisfies Readonly<Record<string, UsageTraits>>;

export type Usage = keyof typeof usages;

/** True when `text` names a usage that the files API serves. */
export function isApiUsage(text: string): text is Usage {
  return isUsage(text) && usages[text].api;
}

/** True when `text` names any usage. */
export function isUsage(text: string): text is Usage {
  return Object.hasOwn(usages, text);
}
