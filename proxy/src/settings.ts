// Entry `@gatehouse/proxy/settings`: what the router's own settings have in common with ours. User: router.
export { sessionOptions } from './config.ts';
