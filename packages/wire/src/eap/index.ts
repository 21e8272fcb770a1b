// Entry `@gatehouse/wire/eap`. Users: radius.
export { type Avp, decodeAvps, encodeAvps } from './avp.ts';
export {
  decodeEap,
  decodeTlsFragment,
  type EapPacket,
  eapCode,
  eapType,
  encodeEap,
  encodeTlsFragment,
  type TlsFragment,
} from './packet.ts';
