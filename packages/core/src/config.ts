// Settings of the core (core.md §1.2). Names are the environment's of the system we are compatible with.
import {
  addressList,
  boolean,
  type ConfigOf,
  cidrList,
  commonOptions,
  defineConfig,
  integer,
  metricsListen,
  pathPrefix,
  secret,
  text,
} from '@gatehouse/daemon/config';
import { storageOptions } from '@gatehouse/storage';

export const coreConfig = defineConfig({
  ...commonOptions,
  secret_key: secret({
    required: true,
    doc: 'Signs session cookies; the same for every process of one installation, for ever.',
    hint: 'Draw one with: openssl rand -base64 60.',
  }),
  data_dir: text({ default: './data', doc: 'Folder of the private database.' }),
  listen: {
    core: addressList({
      default: [{ host: '127.0.0.1', port: 8000 }],
      doc: 'REST, flows, OpenID Connect and the control channel; plain HTTP, behind the router.',
    }),
    metrics: metricsListen,
    mtls_proxy_cidrs: cidrList({
      default: [],
      doc: 'Peers whose client-certificate headers are believed, beside this machine itself.',
    }),
  },
  postgresql: {
    host: text({ default: '', doc: 'Database server; empty: a private one in the data folder.' }),
    port: integer({ default: 5432, doc: 'Its port.', min: 1, max: 65_535 }),
    name: text({ default: 'authentik', doc: 'Name of the database.' }),
    user: text({ default: 'authentik', doc: 'Role to connect as.' }),
    password: secret({ doc: "The role's password." }),
  },
  storage: storageOptions,
  web: {
    path: pathPrefix({ default: '/', doc: 'URL prefix of everything.' }),
    assets_dist: text({
      default: '',
      doc: 'Folder behind /static/dist/, whose images can be chosen; empty: the pages of this release.',
    }),
    assets_authentik: text({ default: './web/authentik', doc: 'Folder behind /static/authentik/.' }),
  },
  blueprints_dir: text({ default: '', doc: 'Folder of your own blueprints, applied when they change.' }),
  pwned_passwords: text({
    default: 'https://api.pwnedpasswords.com/range/',
    doc: 'Where policies look breached passwords up: an address, or a folder with files like 21BD1.txt.',
  }),
  cert_discovery_dir: text({ default: '/certs', doc: 'Folder whose certificates are taken over, hourly.' }),
  outposts: {
    disable_embedded_outpost: boolean({ default: false, doc: 'Do without the proxy outpost inside the front door.' }),
  },
  throttle: {
    providers: {
      oauth2: {
        device: text({ default: '20/hour', doc: 'How often one address may start to sign a device in.' }),
      },
    },
    default: text({
      default: '1000/second',
      doc: 'How often one address may ask the API without a login: a number, a slash and second, minute, hour or day.',
    }),
  },
  email: {
    host: text({ default: 'localhost', doc: 'Mail server.' }),
    port: integer({ default: 25, doc: 'Its port.', min: 1, max: 65_535 }),
    username: text({ default: '', doc: 'Whom to log in as; empty: nobody.' }),
    password: secret({ doc: 'Password at the mail server.' }),
    use_tls: boolean({ default: false, doc: 'Insist on STARTTLS.' }),
    use_ssl: boolean({ default: false, doc: 'Speak TLS from the start.' }),
    timeout: integer({ default: 10, doc: 'How long to wait for the server.', unit: 'seconds', min: 1 }),
    from: text({ default: 'authentik@localhost', doc: 'Sender of mails.' }),
    template_dir: text({ default: '/templates', doc: 'Folder of your own mail templates.' }),
  },
  events: {
    context_processors: {
      geoip: text({
        default: '/geoip/GeoLite2-City.mmdb',
        doc: 'MaxMind database of places (City); without the file nothing is known of places.',
      }),
      asn: text({ default: '/geoip/GeoLite2-ASN.mmdb', doc: 'MaxMind database of networks (ASN).' }),
    },
  },
  demo: boolean({ default: false, doc: 'Seed users, groups, applications and outposts to try things with.' }),
});

export type CoreConfig = ConfigOf<typeof coreConfig>;
