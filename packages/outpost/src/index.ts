// Entry `@gatehouse/outpost`. Users: ldap, radius, proxy and the router's embedded outpost.
export type { CertificatePair, CertificateStore } from './certificates/store.ts';
export { type OutpostErrorCode, outpostError } from './errors.ts';
export type { OutpostMetrics } from './metrics.ts';
export { createRefresher, type Refresher } from './refresher.ts';
export { type Outpost, type OutpostOptions, type OutpostType, refreshIntervalMs, startOutpost } from './run.ts';
