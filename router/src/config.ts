// Settings of the router (router.md §2.2, files.md §5.2). Names are those of the system we are compatible with; ours are
// `core.*`, `web.assets_*`, `web.max_*`, `web.shutdown_delay`, `web.hsts_max_age` and `web.security_contact`.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressList,
  boolean,
  type ConfigOf,
  choice,
  cidrList,
  commonOptions,
  defineConfig,
  duration,
  integer,
  leavesOf,
  metricsListen,
  pathPrefix,
  Secret,
  secret,
  text,
  textList,
  trustedProxyCidrs,
  url,
} from '@gatehouse/daemon/config';
import { sessionOptions } from '@gatehouse/proxy/settings';
import { storageOptions } from '@gatehouse/storage';

export const routerConfig = defineConfig({
  ...commonOptions,
  secret_key: secret({
    doc: 'The same as the core has: signs the URLs of stored files.',
    hint: 'Without it no stored file is served.',
  }),
  core: {
    url: url({
      doc: 'Core to pass requests to; unset: one is started here and watched.',
      schemes: ['http', 'unix'],
    }),
    script: text({ default: '', doc: 'Script that is started as the core; empty: ours.' }),
    token: secret({ doc: 'Token for reading brands and certificates; unset: the secret key.' }),
    answer_timeout: duration({ default: 60_000, doc: 'How long the core may think before its first byte.' }),
  },
  listen: {
    http: addressList({ default: [{ host: '::', port: 9000 }], doc: 'Plain HTTP.' }),
    https: addressList({ default: [{ host: '::', port: 9443 }], doc: 'HTTP over TLS.' }),
    metrics: metricsListen,
    trusted_proxy_cidrs: trustedProxyCidrs,
    mtls_proxy_cidrs: cidrList({
      default: [],
      doc: 'Peers whose client-certificate headers are believed; empty: nobody, certificates are public.',
    }),
    forwarded_for_mode: choice(['rightmost-untrusted', 'leftmost'], {
      default: 'rightmost-untrusted',
      doc: 'Which address of X-Forwarded-For is the client.',
    }),
    socket: text({ default: '', doc: 'Unix socket for local callers; empty: authentik.sock in the temporary folder.' }),
  },
  web: {
    path: pathPrefix({ default: '/', doc: 'URL prefix of everything.' }),
    public_url: url({
      doc: 'Where browsers reach this front door; unset: authentik_host of the embedded outpost, else localhost.',
    }),
    assets_dist: text({ default: '', doc: 'Folder behind /static/dist/; empty: the pages of this release.' }),
    assets_authentik: text({ default: './web/authentik', doc: 'Folder behind /static/authentik/.' }),
    assets_keep: text({
      default: '',
      doc: 'Folder that outlives a release: its unchanging files are put there, those of the two before served.',
    }),
    assets_previous: textList({ default: [], doc: 'Folders of earlier releases, newest first, for tabs left open.' }),
    legacy_media_redirect: boolean({
      default: false,
      doc: 'Lead old public links, /media/<schema>/<name>, to the images that are there.',
    }),
    http2: boolean({ default: true, doc: 'Offer HTTP/2 on the TLS listeners.' }),
    workers: integer({ default: 1, min: 1, max: 64, doc: 'Processes that answer requests.' }),
    timeout_http_read_header: duration({ default: 5_000, doc: 'Time for the head of a request.' }),
    timeout_http_read: duration({ default: 30_000, doc: 'Longest pause within the body of a request.' }),
    timeout_http_write: duration({ default: 60_000, doc: 'Longest pause of a client that takes an answer.' }),
    timeout_http_idle: duration({ default: 120_000, doc: 'How long an idle connection is kept.' }),
    max_header_bytes: integer({ default: 131_072, min: 16_384, max: 1_048_576, doc: 'Largest head of a request.' }),
    max_body_bytes: integer({ default: 33_554_432, min: 1, doc: 'Largest body of a request to the core.' }),
    max_connections: integer({ default: 16_384, min: 1, doc: 'Open connections in all.' }),
    max_connections_per_client: integer({ default: 4_096, min: 1, doc: 'Open connections of one address.' }),
    shutdown_delay: duration({ default: 0, doc: 'How long readiness says no before the listeners close.' }),
    shutdown_grace: duration({ default: 30_000, doc: 'How long running requests may take at the end.' }),
    hsts_max_age: integer({ default: 0, min: 0, unit: 's', doc: 'Strict-Transport-Security on TLS; 0: none.' }),
    security_contact: text({ default: 'mailto:security@localhost', doc: 'Contact line of security.txt.' }),
  },
  storage: storageOptions,
  log: { http_headers: textList({ default: ['User-Agent'], doc: 'Request headers copied into access lines.' }) },
  session: sessionOptions,
  outposts: { disable_embedded_outpost: boolean({ default: false, doc: 'Do not serve proxy providers here.' }) },
});

export type RouterConfig = ConfigOf<typeof routerConfig>;

/** What a reload takes over; `log_level` among it. */
const reloadable = new Set([
  'log_level',
  'log.http_headers',
  'listen.http',
  'listen.https',
  'listen.trusted_proxy_cidrs',
  'listen.mtls_proxy_cidrs',
  'listen.forwarded_for_mode',
  'web.http2',
  'web.legacy_media_redirect',
  'web.max_body_bytes',
  'web.timeout_http_read',
  'web.timeout_http_write',
  'web.hsts_max_age',
  'web.security_contact',
]);

/** Names of the settings that differ and that a running router cannot take over. */
export function needsRestart(before: RouterConfig, after: RouterConfig): readonly string[] {
  const shown = ({ path }: { readonly path: readonly string[] }, config: RouterConfig) => {
    const value = path.reduce<unknown>(
      (at, name) => (at instanceof Object ? Reflect.get(at, name) : undefined),
      config,
    );
    return value instanceof Secret ? value.reveal() : JSON.stringify(value);
  };
  const differing = leavesOf(routerConfig).filter((leaf) => shown(leaf, before) !== shown(leaf, after));
  return differing.map(({ key }) => key).filter((key) => !reloadable.has(key));
}

/** Socket for callers of this machine. */
export function localSocketPath({ listen }: Pick<RouterConfig, 'listen'>): string {
  return listen.socket === '' ? join(tmpdir(), 'authentik.sock') : listen.socket;
}
