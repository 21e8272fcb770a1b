// Attributes whose values are hidden under a secret and the request's authenticator, made readable for another receiver: those
// of the core's packets for the device, and those of a forwarded login in both directions.
import { randomInt } from 'node:crypto';
import {
  type Attribute,
  decodeVendor,
  encodeVendor,
  type Hiding,
  hideSalted,
  rehidePassword,
  revealSalted,
  type VendorAttribute,
  vendorId,
  vendorSpecific,
} from '@gatehouse/wire/radius';

/**
 * @returns the attribute itself where nothing in it is hidden; `undefined` when it cannot be read, so that it was hidden under
 * another secret. Several of a vendor in one attribute come back one by one where one of them is hidden.
 */
export type Rehider = (attribute: Attribute) => readonly Attribute[] | undefined;

const userPassword = 2;
const tunnelPassword = 69;
/** By vendor and type: in the form of User-Password, or salted (RFC 2548 §2.4, and Aruba's own). */
const hiddenOfVendor: ReadonlyMap<string, 'password' | 'salted'> = new Map([
  [`${vendorId.microsoft}/12`, 'password'],
  [`${vendorId.microsoft}/16`, 'salted'],
  [`${vendorId.microsoft}/17`, 'salted'],
  [`${vendorId.aruba}/44`, 'salted'],
]);

/** For the attributes of one packet: each salt in it is another one (RFC 2868 §3.5). */
export function createRehider(from: Hiding, to: Hiding): Rehider {
  let counter = randomInt(0x8000);
  const salted = (value: Buffer) => {
    counter = (counter + 1) & 0x7fff;
    const salt = Buffer.of(0x80 | (counter >> 8), counter & 0xff);
    return hideSalted(revealSalted(value, from.authenticator, from.key), salt, to.authenticator, to.key);
  };
  const ofVendor = (one: VendorAttribute) => {
    const form = formOf(one);
    if (form === undefined) return encodeVendor(one);
    const value = form === 'salted' ? salted(one.value) : rehidePassword(one.value, from, to);
    return encodeVendor({ ...one, value });
  };
  const rehide = (attribute: Attribute): readonly Attribute[] => {
    const { type, value } = attribute;
    if (type === userPassword) return [{ type, value: rehidePassword(value, from, to) }];
    if (type === tunnelPassword)
      return [{ type, value: Buffer.concat([value.subarray(0, 1), salted(value.subarray(1))]) }];
    const parts = type === vendorSpecific ? (decodeVendor(value) ?? []) : [];
    return parts.some((one) => formOf(one) !== undefined) ? parts.map(ofVendor) : [attribute];
  };
  return (attribute) => {
    try {
      return rehide(attribute);
    } catch {
      return undefined; // WireError: hidden under another secret, or of a length that cannot be
    }
  };
}

/** Its value is hidden under the authenticator of a request, or a vendor's part of it is. */
export function holdsHidden({ type, value }: Attribute): boolean {
  if (type === userPassword || type === tunnelPassword) return true;
  return type === vendorSpecific && (decodeVendor(value) ?? []).some((one) => formOf(one) !== undefined);
}

function formOf({ vendor, type }: VendorAttribute) {
  return hiddenOfVendor.get(`${vendor}/${type}`);
}
