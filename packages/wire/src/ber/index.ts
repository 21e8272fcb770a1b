// Entry `@gatehouse/wire/ber`. Users: ldap.
export { BerReader, frameSize } from './reader.ts';
export type { ByteSink } from './sink.ts';
export { boolean, element, headerSize, integer, octetString, writeHeader } from './writer.ts';
