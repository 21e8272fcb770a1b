// What events never hold (core.md §20.1, "Cleansing"): values under keys that sound secret become asterisks.

const sensitive = /api|auth|token|key|secret|pass|signature|http_cookie/i;
const harmless = /passing|password_change_date|auth_method|auth_method_args/;
const mask = '*'.repeat(20);

/** A copy fit for storing. Mappings are looked into, never masked as a whole. */
export function cleanse(value: unknown, key = ''): unknown {
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Error) return value.message;
  if (Array.isArray(value)) return value.map((item) => cleanse(item, key));
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, cleanse(inner, name)]));
  return sensitive.test(key) && !harmless.test(key) && value !== null ? mask : value;
}
