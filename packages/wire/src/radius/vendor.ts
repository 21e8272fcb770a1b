// Attribute 26 (RFC 2865 §5.26) and the extended formats 241–246 (RFC 6929). Vendors with other formats inside, and what
// does not add up, stay raw: a NAS may send anything here, and the request is served all the same (radius.md M14).
import { malformed, tooLarge } from '../errors.ts';
import { type Attribute, maxValueBytes } from './packet.ts';

export const vendorSpecific = 26;

/** Vendor numbers (IANA private enterprise numbers) that the dictionaries know. */
export const vendorId = {
  cisco: 9,
  microsoft: 311,
  asa: 3076,
  fortinet: 12356,
  wispr: 14122,
  aruba: 14823,
  mikrotik: 14988,
  ruckus: 25053,
  paloAlto: 25461,
  ubiquiti: 41112,
  apc: 318,
} as const;

export interface VendorAttribute {
  readonly vendor: number;
  readonly type: number;
  readonly value: Buffer;
}

/** The sub-attributes of one attribute 26, or `undefined` when it is not in the RFC's format. */
export function decodeVendor(value: Buffer): VendorAttribute[] | undefined {
  if (value.length < 6) return undefined;
  const vendor = value.readUInt32BE(0);
  const found: VendorAttribute[] = [];
  for (let at = 4; at < value.length; ) {
    const size = value.length - at < 2 ? 0 : value.readUInt8(at + 1);
    if (size < 2 || at + size > value.length) return undefined;
    found.push({ vendor, type: value.readUInt8(at), value: value.subarray(at + 2, at + size) });
    at += size;
  }
  return found;
}

/** One attribute 26 with one sub-attribute. @throws WireError `ERR_WIRE_TOO_LARGE` over 247 bytes */
export function encodeVendor({ vendor, type, value }: VendorAttribute): Attribute {
  if (value.length > maxValueBytes - 6) throw tooLarge(`vendor attribute ${vendor}/${type} has ${value.length} bytes`);
  const head = Buffer.allocUnsafe(6);
  head.writeUInt32BE(vendor, 0);
  head.writeUInt8(type, 4);
  head.writeUInt8(value.length + 2, 5);
  return { type: vendorSpecific, value: Buffer.concat([head, value]) };
}

/** An attribute of the extended space: `241.1`, or `241.26` with vendor for EVS. */
export interface ExtendedAttribute {
  readonly type: number;
  readonly extendedType: number;
  readonly value: Buffer;
}

/** Types that hold extended attributes. */
export const firstExtended = 241;
export const lastExtended = 246;
const firstLong = 245;
const more = 0x80;

/**
 * All extended attributes of a packet, fragments of the long form joined (RFC 6929 §2.2).
 * @throws WireError `ERR_WIRE_MALFORMED` for an empty one, or fragments that do not follow each other
 */
export function decodeExtended(attributes: readonly Attribute[]): ExtendedAttribute[] {
  const found: ExtendedAttribute[] = [];
  let open: { type: number; extendedType: number; pieces: Buffer[] } | undefined;
  for (const { type, value } of attributes) {
    const isLong = type === firstLong || type === firstLong + 1;
    if (open !== undefined && (type !== open.type || value[0] !== open.extendedType))
      throw malformed(`attribute ${open.type}.${open.extendedType} ends in the middle`);
    if (type < firstExtended || type > lastExtended) continue;
    const header = isLong ? 2 : 1;
    if (value.length < header) throw malformed(`extended attribute ${type} has no type`);
    const extendedType = value.readUInt8(0);
    const piece = value.subarray(header);
    const pieces = [...(open?.pieces ?? []), piece];
    open = isLong && (value.readUInt8(1) & more) !== 0 ? { type, extendedType, pieces } : undefined;
    if (open === undefined) found.push({ type, extendedType, value: Buffer.concat(pieces) });
  }
  if (open !== undefined) throw malformed(`attribute ${open.type}.${open.extendedType} ends in the middle`);
  return found;
}

/** @throws WireError `ERR_WIRE_TOO_LARGE` for more than 252 bytes in the short form */
export function encodeExtended({ type, extendedType, value }: ExtendedAttribute): Attribute[] {
  if (type < firstLong) {
    if (value.length > maxValueBytes - 1) throw tooLarge(`attribute ${type}.${extendedType} has ${value.length} bytes`);
    return [{ type, value: Buffer.concat([Buffer.of(extendedType), value]) }];
  }
  const room = maxValueBytes - 2;
  const count = Math.max(1, Math.ceil(value.length / room));
  return Array.from({ length: count }, (_, at) => {
    const flags = at + 1 < count ? more : 0;
    return { type, value: Buffer.concat([Buffer.of(extendedType, flags), value.subarray(at * room, (at + 1) * room)]) };
  });
}

/** Of every extended type this one holds a vendor's attribute (RFC 6929 §2.4). */
export const extendedVendorSpecific = 26;

/** The vendor's attribute in the value of an `241.26` to `246.26`; `undefined` when it is too short to be one. */
export function decodeExtendedVendor(value: Buffer): VendorAttribute | undefined {
  if (value.length < 5) return undefined;
  return { vendor: value.readUInt32BE(0), type: value.readUInt8(4), value: value.subarray(5) };
}

/** @param type 241–246 */
export function encodeExtendedVendor(type: number, { vendor, type: vendorType, value }: VendorAttribute): Attribute[] {
  const head = Buffer.allocUnsafe(5);
  head.writeUInt32BE(vendor, 0);
  head.writeUInt8(vendorType, 4);
  return encodeExtended({ type, extendedType: extendedVendorSpecific, value: Buffer.concat([head, value]) });
}
