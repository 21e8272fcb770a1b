// Entry `@gatehouse/contract/rest`. Users: outposts (rows with checks), the core (wire types of the vendor's client).
export * from './rows.ts';
export type { Wire } from './wire.ts';
