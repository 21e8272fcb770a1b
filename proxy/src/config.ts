// Settings of the proxy daemon (proxy.md §1.1). The reference's names first; what it has not is under AKPROXY_.
import {
  addressList,
  boolean,
  choice,
  defineConfig,
  duration,
  integer,
  metricsListen,
  outpostOptions,
  secret,
  text,
  textList,
  trustedProxyCidrs,
  url,
} from '@gatehouse/daemon/config';

/** Where sessions are kept; the router's embedded outpost has the same settings. */
export const sessionOptions = defineConfig({
  store: choice(['directory', 'memory', 'cookie', 'redis', 'postgresql'], {
    default: 'directory',
    env: 'AKPROXY_SESSION__STORE',
    doc: 'Where sessions are kept; redis and postgresql are shared between replicas, cookie keeps them in the browser.',
  }),
  path: text({
    default: '',
    env: 'AKPROXY_SESSION__PATH',
    doc: 'Directory of sessions, or of what the cookie store knows to have ended; by default gatehouse-proxy-sessions in the temporary folder.',
  }),
  url: secret({ env: 'AKPROXY_SESSION__URL', doc: 'Address of the shared store: redis://… or postgresql://….' }),
  longest: duration({
    default: 30 * 24 * 3_600_000,
    env: 'AKPROXY_SESSION__LONGEST',
    doc: 'Longest life of a session that is renewed by a refresh token (scope offline_access).',
  }),
  per_user: integer({
    default: 50,
    min: 1,
    env: 'AKPROXY_SESSION__PER_USER',
    doc: 'Sessions of one user; the oldest ends.',
  }),
});

export const proxyConfig = defineConfig({
  ...outpostOptions,
  host_browser: url({ doc: 'Base URL under which browsers reach the core, where it is another one.' }),
  listen: {
    http: addressList({ default: [{ host: '::', port: 9000 }], doc: 'Plain listeners.' }),
    https: addressList({ default: [{ host: '::', port: 9443 }], doc: 'TLS listeners.' }),
    metrics: metricsListen,
    trusted_proxy_cidrs: trustedProxyCidrs,
  },
  web: {
    http2: boolean({ default: true, doc: 'Offer HTTP/2 on the TLS listeners.' }),
    timeout_http_read_header: duration({ default: 5_000, doc: 'Longest time for the head of a request.' }),
    timeout_http_idle: duration({ default: 120_000, doc: 'How long an idle connection is kept.' }),
  },
  log: {
    http_headers: textList({ default: ['User-Agent'], doc: 'Request headers that go into the access log.' }),
  },
  compat: choice(['default', 'strict'], {
    default: 'default',
    env: 'AKPROXY_COMPAT',
    doc: 'strict: clients that are no browsers are redirected too, as the reference does.',
  }),
  rules: text({
    default: '',
    env: 'AKPROXY_RULES',
    doc: 'Rule file: access rules, upstreams and headers per application. Read again when it changes.',
  }),
  workers: integer({
    default: 1,
    min: 1,
    max: 64,
    env: 'AKPROXY_WORKERS',
    doc: 'Processes that answer requests; more than one needs any session store but memory.',
  }),
  drain: duration({ default: 8_000, env: 'AKPROXY_DRAIN', doc: 'How long requests may go on after a signal to stop.' }),
  connections: {
    total: integer({ default: 20_000, min: 1, env: 'AKPROXY_CONNECTIONS__TOTAL', doc: 'Connections at a time.' }),
    per_client: integer({
      default: 20_000,
      min: 1,
      env: 'AKPROXY_CONNECTIONS__PER_CLIENT',
      doc: 'Connections at a time of one address; a reverse proxy in front is one address.',
    }),
  },
  session: sessionOptions,
});
