// Entry `@gatehouse/proxy/testing`. Users: test/interop, test/bench.
export { clientSecret, type FakeIssuer, fakeIssuer } from './fake-issuer.ts';
