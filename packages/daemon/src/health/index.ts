// Entry `@gatehouse/daemon/health`. Users: every daemon, packages/cli.
export {
  type HealthServer,
  type HealthServerOptions,
  healthcheck,
  healthSocketPath,
  readLocalPage,
  serveHealth,
} from './server.ts';
export { type ComponentState, createHealth, type Health, type HealthStatus } from './state.ts';
