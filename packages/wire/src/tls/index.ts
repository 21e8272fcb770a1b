// Entry `@gatehouse/wire/tls`. Users: radius, router.
export { type ClientHello, type HelloReading, offeredSession, readClientHello } from './client-hello.ts';
