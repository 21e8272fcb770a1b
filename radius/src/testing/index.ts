// Entry `@gatehouse/radius/testing`: foreign peers for tests and benchmarks. Users: test.
export { createPrefixTable } from '../clients/prefix-table.ts';
export { type EapolResult, type EapolTest, eapolTest } from './eapol-test.ts';
export { type RadclientOptions, type RadclientResult, radclient } from './radclient.ts';
