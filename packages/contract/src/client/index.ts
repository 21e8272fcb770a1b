// Entry `@gatehouse/contract/client`. Users: packages/outpost, and the core daemons' own commands.
export { type ContractErrorCode, contractError } from '../errors.ts';
export { type CoreAddress, controlChannelUrl, coreAddress, socketAddress } from './base-url.ts';
export { type CallOptions, type CoreClient, type CoreClientOptions, createCoreClient } from './core-client.ts';
export {
  createFlowSession,
  type FlowAnswer,
  type FlowQuery,
  type FlowSession,
  type FlowSessionOptions,
  type SessionCookie,
} from './flow-session.ts';
