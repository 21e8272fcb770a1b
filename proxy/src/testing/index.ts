// Entry `@gatehouse/proxy/testing`. Users: test/interop, test/bench.
export { proxyBulk } from './bulk.ts';
export { clientSecret, type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
