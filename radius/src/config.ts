// Settings of the RADIUS daemon (radius.md §2.1, §4.4, §5.5). The reference's names first; ours are under `radius`.
import {
  addressList,
  boolean,
  type ConfigOf,
  choice,
  defineConfig,
  duration,
  integer,
  metricsListen,
  outpostOptions,
  text,
  textList,
} from '@gatehouse/daemon/config';
import { type ClientSettings, coaChanges, maxEapResumptionMs } from './clients/settings.ts';
import { userFields } from './eap/client-certificate.ts';

export const radiusConfig = defineConfig({
  ...outpostOptions,
  listen: {
    radius: addressList({
      default: [{ host: '::', port: 1812 }],
      doc: 'UDP listeners. List concrete addresses on a machine that has several, so that answers leave from the one asked.',
    }),
    accounting: addressList({ default: [], doc: 'UDP listeners for accounting, usually [::]:1813; none by default.' }),
    radsec: addressList({ default: [], doc: 'RadSec (TLS) listeners, usually [::]:2083; none without a CA file.' }),
    metrics: metricsListen,
  },
  radius: {
    require_message_authenticator: choice(['no', 'auto', 'yes'], {
      default: 'no',
      doc: 'Drop Access-Requests without Message-Authenticator (CVE-2024-3596); auto: from the first good one of an address on.',
    }),
    limit_proxy_state: boolean({
      default: false,
      doc: 'Drop Access-Requests that have Proxy-State but no Message-Authenticator.',
    }),
    on_core_failure: choice(['drop', 'reject'], {
      default: 'drop',
      doc: 'drop: stay silent while the core cannot be asked, so that devices try their second server.',
    }),
    require_attributes: boolean({
      default: false,
      doc: 'Reject when the core returns no attributes: a property mapping has failed.',
    }),
    workers: integer({
      default: 1,
      min: 1,
      max: 64,
      doc: 'Processes that answer authentication requests; accounting and RadSec are taken by the first of them.',
    }),
    policy_file: text({
      default: '',
      doc: 'YAML file with settings of single clients and attributes of groups; read again at each refresh.',
    }),
    challenge: boolean({
      default: false,
      doc: 'Ask for a missing code by Access-Challenge; only for devices that understand it.',
    }),
    trust_calling_station: boolean({
      default: false,
      doc: "Take Calling-Station-Id for the user's address where it is one; the device could lie.",
    }),
    reply_user_name: boolean({ default: false, doc: 'Put the real user name into the Accept of an EAP login.' }),
    requests_per_source: integer({ default: 512, min: 1, doc: 'Requests in work at a time for one address.' }),
    eap_certificate: text({ default: '', doc: 'PEM file of the EAP server certificate, where the provider has none.' }),
    eap_key: text({ default: '', doc: 'PEM file with its key.' }),
    eap_client_ca: text({
      default: '',
      doc: 'PEM file with the authority of client certificates, for providers with local_certificates.',
    }),
    eap_client_crl: text({
      default: '',
      doc: 'PEM file with revocation lists; with it, a certificate without a current list of its issuer is refused.',
    }),
    eap_user_field: choice(userFields, {
      default: 'cn',
      doc: 'Where the user name stands in a client certificate: cn, or email, upn, dns of its alternative names.',
    }),
    eap_methods: textList({
      default: ['tls', 'ttls', 'peap'],
      doc: 'EAP methods, in the order in which they are offered, for providers with a certificate: tls, ttls (PAP, MS-CHAPv2), peap (MS-CHAPv2, GTC).',
    }),
    eap_resumption: duration({
      default: 0,
      max: maxEapResumptionMs,
      doc: 'How long an EAP login may be resumed by a short handshake, without proving it again; the core is asked about access each time, unless verdict_cache remembers. 0 for never.',
    }),
    verdict_cache: duration({
      default: 0,
      doc: 'How long a successful login is remembered, by password, by a certificate checked here or by resuming an earlier one; 0 asks the core for each. Never with a one-time code.',
    }),
    accounting_interim: boolean({ default: false, doc: 'Report interim updates as events too; many.' }),
    accounting_folder: text({
      default: './accounting',
      doc: 'Where accounting is kept until the core has it; only with accounting listeners.',
    }),
    accounting_max_events: integer({
      default: 1_000_000,
      min: 1,
      doc: 'Events kept at most; then devices get no answer.',
    }),
    coa: boolean({ default: false, doc: 'Send a Disconnect-Request to the device when the core ends a session.' }),
    coa_on_change: choice(coaChanges, {
      default: 'nothing',
      doc: 'With coa, when reply attributes of a running session would be others now: nothing; change: a CoA-Request with the new ones; change_or_disconnect: the same, and a Disconnect-Request where the device cannot.',
    }),
    coa_port: integer({
      default: 3799,
      min: 1,
      max: 65_535,
      doc: 'Port of the devices for Disconnect- and CoA-Requests.',
    }),
    radsec_certificate: text({ default: '', doc: 'PEM file with the certificate of the RadSec listener.' }),
    radsec_key: text({ default: '', doc: 'PEM file with its key.' }),
    radsec_ca: text({ default: '', doc: 'PEM file with the authority that signs the certificates of RadSec peers.' }),
    radsec_peers: textList({
      default: [],
      doc: 'fingerprint=application for each RadSec peer: SHA-256 of its certificate; * for every one of the authority.',
    }),
    flow_timeout: duration({ default: 60_000, doc: 'Longest time of one login, push to a telephone included.' }),
    flows_per_provider: integer({ default: 64, min: 1, doc: 'Logins at a time for one provider.' }),
  },
});

/** What holds for every client that the policy file does not single out. */
export function settingsOf(radius: ConfigOf<typeof radiusConfig>['radius']): ClientSettings {
  return {
    requireMessageAuthenticator: radius.require_message_authenticator,
    limitProxyState: radius.limit_proxy_state,
    onCoreFailure: radius.on_core_failure,
    requireAttributes: radius.require_attributes,
    eapMethods: radius.eap_methods,
    challenge: radius.challenge,
    coa: radius.coa,
    coaOnChange: radius.coa_on_change,
    coaPort: radius.coa_port,
    trustCallingStation: radius.trust_calling_station,
    eapResumptionMs: radius.eap_resumption,
    replyUserName: radius.reply_user_name,
  };
}
