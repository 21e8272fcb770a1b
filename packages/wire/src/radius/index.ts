// Entry `@gatehouse/wire/radius`. Users: radius, test (bench, interop).
export {
  checkMessageAuthenticator,
  checkReply,
  isRequestAuthenticatorValid,
  messageAuthenticator,
  signReply,
  signRequest,
} from './authenticators.ts';
export {
  createDictionary,
  type Dictionary,
  type DictionaryEntry,
  formatNamedValue,
  formatTlvs,
  parseAttribute,
} from './dictionary.ts';
export {
  type Hiding,
  hidePassword,
  hideSalted,
  rehidePassword,
  revealPassword,
  revealSalted,
} from './hidden-values.ts';
export {
  type Attribute,
  decodePacket,
  encodePacket,
  firstValue,
  framePacket,
  hasAttribute,
  joinedValue,
  maxPacketBytes,
  packetCode,
  packetCodeName,
  type RadiusPacket,
  type ReceivedPacket,
  splitValue,
} from './packet.ts';
export { createPacketKey, maxSecretBytes, type PacketKey } from './packet-key.ts';
export { decodeTlvs, encodeTlvs, type Tlv } from './tlv.ts';
export { formatValue, parseValue, tagOf, type ValueType } from './values.ts';
export {
  decodeExtended,
  decodeExtendedVendor,
  decodeVendor,
  type ExtendedAttribute,
  encodeExtended,
  encodeExtendedVendor,
  encodeVendor,
  extendedVendorSpecific,
  firstExtended,
  lastExtended,
  type VendorAttribute,
  vendorId,
  vendorSpecific,
} from './vendor.ts';
