// Settings of the LDAP outpost (core-contract §1, ldap.md §1.1).
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
  trustedProxyCidrs,
} from '@gatehouse/daemon/config';

export const ldapConfig = defineConfig({
  ...outpostOptions,
  listen: {
    ldap: addressList({ default: [{ host: '::', port: 3389 }], doc: 'LDAP, with StartTLS.' }),
    ldaps: addressList({ default: [{ host: '::', port: 6636 }], doc: 'LDAP over TLS.' }),
    metrics: metricsListen,
    trusted_proxy_cidrs: trustedProxyCidrs,
  },
  ldap: {
    page_size: integer({ default: 50, doc: 'Rows per page asked of the core.', min: 1, max: 1000 }),
    anonymous_bind: choice(['allow', 'refuse'], {
      default: 'allow',
      doc: 'An empty bind is accepted and sees the root DSE only.',
    }),
    require_tls: choice(['off', 'binds', 'everything'], {
      default: 'off',
      doc: 'What is refused on connections without TLS.',
    }),
    extra_bind_forms: boolean({
      default: false,
      doc: 'Also bind `uid=…` and `sAMAccountName=…`, bare names, `name@domain` and `DOMAIN\\name`.',
    }),
    client_ca: text({
      default: '',
      doc: 'File with the certificates of whoever may vouch for client certificates (PEM). With it, SASL EXTERNAL is offered.',
    }),
    password_modify: text({
      default: '',
      doc: 'Slug of the flow that changes a password, such as default-password-change. Empty: password modify is refused.',
    }),
    policy_file: text({
      default: '',
      doc: 'YAML file with names and values of attributes by templates, and who sees which of them; read again at each refresh.',
    }),
    bind_cache_ttl: duration({
      default: 600_000,
      doc: 'How long a successful bind is remembered in cached mode.',
    }),
    mfa_required: textList({
      default: [],
      doc: 'Slugs of the applications whose binds need a second factor, `*` for all; codes may have any length then.',
    }),
    mfa_code_first: textList({
      default: [],
      doc: 'Slugs of the applications whose binds have the code in front, `code;password`, and only there; `*` for all.',
    }),
    mfa_remember: duration({
      default: 0,
      doc: 'How long a second factor counts for further binds of the same user with the same password from the same address; 0: not at all.',
    }),
    mfa_send_codes: boolean({
      default: false,
      doc: 'A bind without a code makes the core send one by text message or e-mail, where the user has no other device.',
    }),
    throttle_failures: integer({
      default: 10,
      doc: 'Failed binds of one name from one address before further ones must wait; 0: never.',
      min: 0,
    }),
    throttle_max_wait: duration({ default: 30_000, doc: 'Longest wait of the throttle.' }),
    missing_base: choice(['rfc', 'success'], {
      default: 'rfc',
      doc: 'Answer to a search below an entry that does not exist: noSuchObject, or success without entries.',
    }),
    size_limit_result: choice(['rfc', 'success'], {
      default: 'rfc',
      doc: 'Answer when more entries match than the client wants: sizeLimitExceeded, or success.',
    }),
    login_timeout: duration({
      default: 100_000,
      doc: 'Longest login, a push that somebody must find his telephone for included; the answer is `unavailable` then.',
    }),
    max_search_time: duration({ default: 60_000, doc: 'Longest search, whatever time limit the client names.' }),
    logout_on_close: choice(['direct', 'always', 'never'], {
      default: 'direct',
      doc: 'When the session that a bind made in the core is ended with its connection.',
    }),
    proxy_protocol: choice(['off', 'optional', 'require'], {
      default: 'optional',
      doc: 'PROXY headers of trusted peers.',
    }),
    max_connections: integer({ default: 20_000, doc: 'Connections in all.', min: 1 }),
    max_connections_per_client: integer({ default: 1_000, doc: 'Connections of one address.', min: 1 }),
    idle_timeout_anonymous: duration({ default: 60_000, doc: 'Idle time of an anonymous connection.' }),
    idle_timeout_bound: duration({ default: 3_600_000, doc: 'Idle time of a bound connection.' }),
  },
});

export type LdapConfig = ConfigOf<typeof ldapConfig>;
