// POSIX numbers (ldap.md §9.5, §9.6): an own number of the user or group, as text or number, else one computed.

export function ownNumber(attributes: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const found = Object.entries(attributes).find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1];
  if (typeof found === 'string' && found !== '') return found;
  return typeof found === 'number' && Number.isInteger(found) ? String(found) : undefined;
}
