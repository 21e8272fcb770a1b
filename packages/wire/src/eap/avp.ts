// Attribute-value pairs inside an EAP-TTLS tunnel, in Diameter's form (RFC 5281 §10.1).
import { malformed } from '../errors.ts';

export interface Avp {
  readonly code: number;
  /** 0 where none is given. */
  readonly vendor: number;
  readonly data: Buffer;
}

const vendorFlag = 0x80;

/** @throws WireError `ERR_WIRE_MALFORMED` when a length does not fit */
export function decodeAvps(bytes: Buffer): Avp[] {
  const found: Avp[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < 8) throw malformed(`half an AVP at byte ${at}`);
    const hasVendor = (bytes.readUInt8(at + 4) & vendorFlag) !== 0;
    const header = hasVendor ? 12 : 8;
    const length = bytes.readUIntBE(at + 5, 3);
    if (length < header || at + length > bytes.length) throw malformed(`AVP at byte ${at} does not fit`);
    found.push({
      code: bytes.readUInt32BE(at),
      vendor: hasVendor ? bytes.readUInt32BE(at + 8) : 0,
      data: bytes.subarray(at + header, at + length),
    });
    at += Math.ceil(length / 4) * 4;
  }
  return found;
}

export function encodeAvps(avps: readonly Avp[]): Buffer {
  return Buffer.concat(
    avps.map(({ code, vendor, data }) => {
      const header = vendor === 0 ? 8 : 12;
      const length = header + data.length;
      const out = Buffer.alloc(Math.ceil(length / 4) * 4);
      out.writeUInt32BE(code, 0);
      out.writeUInt8(0x40 | (vendor === 0 ? 0 : vendorFlag), 4);
      out.writeUIntBE(length, 5, 3);
      if (vendor !== 0) out.writeUInt32BE(vendor, 8);
      data.copy(out, header);
      return out;
    }),
  );
}
