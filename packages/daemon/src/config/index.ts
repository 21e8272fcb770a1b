// Entry `@gatehouse/daemon/config`. Users: every daemon's config.ts, packages/cli.
export { type ConfigOf, defineConfig, leavesOf, type Section } from './definition.ts';
export { type Document, readDocument, type Schema } from './document.ts';
export { type Loaded, loadConfig, type Sources } from './load.ts';
export { configReference, explainConfig } from './manual.ts';
export {
  type Address,
  addressList,
  boolean,
  choice,
  cidrList,
  duration,
  formatAddress,
  integer,
  number,
  type Option,
  parseAddress,
  parseDuration,
  pathPrefix,
  readPathPrefix,
  secret,
  text,
  textList,
  url,
} from './options.ts';
export {
  commonOptions,
  defaultTrustedPeers,
  metricsListen,
  outpostOptions,
  trustedProxyCidrs,
} from './outpost-options.ts';
export { Secret } from './secret.ts';
