// Entry `@gatehouse/daemon/config`. Users: every daemon's config.ts, packages/cli.
export { Secret } from './secret.ts';
