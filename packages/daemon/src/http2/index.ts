// Entry `@gatehouse/daemon/http2`. Users: proxy, router.
export { createHttp2Sessions, type Http2Options, type Http2Sessions } from './sessions.ts';
