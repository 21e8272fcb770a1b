// The token that proves to the core that our own page made a call (flow-executor.md §7.3).

export function csrfToken(): string {
  const pair = document.cookie.split('; ').find((one) => one.startsWith('authentik_csrf='));
  return pair === undefined ? '' : pair.slice(pair.indexOf('=') + 1);
}
