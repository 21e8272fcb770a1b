// Entry `@gatehouse/daemon/tls`. Users: ldap, radius, proxy, router, core.
export { type CertificateStore, createCertificateStore, secureContext, tlsParameters } from './contexts.ts';
export { type KeyPair, selfSignedCertificate } from './self-signed.ts';
