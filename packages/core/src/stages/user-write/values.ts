// Which of the collected values change a user, and where (core.md §15.3). Everything not named here is dropped: groups,
// keys and rights are never a visitor's to set.

const plain = new Set(['username', 'name', 'email', 'is_active', 'path', 'type', 'password']);
const forbiddenSegments = new Set(['__proto__', 'constructor', 'prototype']);

/** Values for the user's own fields, with `attributes` merged into what is there. */
export function valuesOf(
  data: Readonly<Record<string, unknown>>,
  attributes: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  const merged = structuredClone({ ...attributes });
  let changed = false;
  for (const [key, value] of Object.entries(data)) {
    if (key === 'attributes') changed = mergeInto(merged, value) || changed;
    else if (/^attributes[._]/.test(key))
      changed = setNested(merged, key.slice('attributes'.length + 1), value) || changed;
    else if (plain.has(key) && !(key === 'type' && value === 'internal_service_account')) values[key] = value;
  }
  return changed ? { ...values, attributes: merged } : values;
}

/** `a.b` sets a nested key; with an underscore after `attributes` there is only one level. */
function setNested(target: Record<string, unknown>, path: string, value: unknown): boolean {
  const segments = path.split('.');
  const last = segments.pop();
  if (last === undefined || last === '' || [...segments, last].some((name) => forbiddenSegments.has(name)))
    return false;
  let at = target;
  for (const segment of segments) {
    const inner = at[segment];
    const next: Record<string, unknown> =
      typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? { ...inner } : {};
    at[segment] = next;
    at = next;
  }
  at[last] = value;
  return true;
}

function mergeInto(target: Record<string, unknown>, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  for (const [name, inner] of Object.entries(value)) {
    if (forbiddenSegments.has(name)) continue;
    const before = target[name];
    const both = [before, inner].every((one) => typeof one === 'object' && one !== null && !Array.isArray(one));
    if (both && mergeInto({}, inner)) {
      const merged: Record<string, unknown> = { ...Object(before) };
      mergeInto(merged, inner);
      target[name] = merged;
    } else target[name] = inner;
  }
  return true;
}
