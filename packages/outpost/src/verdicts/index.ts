// Entry `@gatehouse/outpost/verdicts`. Users: ldap, radius, proxy (header credentials).
export { createVerdictCache, type Verdict, type VerdictCache, type VerdictKey } from './cache.ts';
