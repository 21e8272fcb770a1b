// Settings that every outpost has (core-contract §1.2, §1.3); spread into the definition of each daemon.
import { addressList, boolean, choice, cidrList, secret, text, url } from './options.ts';

export const defaultTrustedPeers = [
  '127.0.0.0/8',
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  'fe80::/10',
  '::1/128',
] as const;

const levels = ['trace', 'debug', 'info', 'warning', 'error'] as const;

/** Log level and debug switch, for daemons that are not outposts as well. */
export const commonOptions = {
  log_level: choice(levels, { default: 'info', doc: 'Least severe level that is written.' }),
  debug: boolean({ default: false, doc: 'Text instead of JSON on the log.' }),
  instance_name: text({
    default: '',
    doc: 'Name of this process in its own health socket; for several of one kind on one machine.',
  }),
} as const;

export const outpostOptions = {
  ...commonOptions,
  host: url({
    required: true,
    doc: 'Base URL of the core; a path is honoured.',
    hint: 'Write for instance https://auth.example.org/.',
    schemes: ['http', 'https', 'unix'],
  }),
  token: secret({
    required: true,
    doc: "API token of the outpost's service account.",
    hint: 'Copy it from the outpost in the core, "View deployment info".',
  }),
  insecure: boolean({ default: false, doc: 'Do not verify the TLS certificate of the core.' }),
} as const;

export const metricsListen = addressList({
  default: [{ host: '::', port: 9300 }],
  doc: 'Metrics and health, plain HTTP.',
});

export const trustedProxyCidrs = cidrList({
  default: defaultTrustedPeers,
  doc: 'Peers whose PROXY protocol and forwarding headers are believed.',
});
