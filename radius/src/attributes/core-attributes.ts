// Reply attributes as the core sends them: a whole packet in base64 (radius.md §6). Passed on byte for byte, except what the
// daemon owns, and values hidden under the core packet's authenticator, which the device could not read.
import { type Attribute, decodePacket, type PacketKey } from '@gatehouse/wire/radius';
import { createRehider } from './rehide.ts';

export type CoreAttributes =
  | {
      readonly kind: 'attributes';
      readonly attributes: readonly Attribute[];
      /** Types that were not passed on. */
      readonly dropped: readonly number[];
      /** Some are hidden for this very request. */
      readonly isHidden: boolean;
    }
  | { readonly kind: 'refused'; readonly reason: 'attribute_decode_failed' | 'attribute_parse_failed' };

/** User-Password, CHAP-Password, State, Proxy-State, CHAP-Challenge, EAP-Message, Message-Authenticator. */
const owned = new Set([2, 3, 24, 33, 60, 79, 80]);

export type AttributeReader = typeof readCoreAttributes;

/** For one secret. */
const maxKnown = 1_000;

/**
 * As {@link readCoreAttributes}, but what was read before is at hand: the text of a remembered verdict is the same at each login,
 * and unless something in it is hidden under the request's authenticator the attributes are the same too.
 */
export function createAttributeReader(): AttributeReader {
  const known = new WeakMap<PacketKey, Map<string, CoreAttributes>>();
  return (text, requestAuthenticator, key) => {
    const found = known.get(key)?.get(text);
    if (found !== undefined) return found;
    const read = readCoreAttributes(text, requestAuthenticator, key);
    if (read.kind === 'refused' || read.isHidden) return read;
    const all = known.get(key) ?? new Map<string, CoreAttributes>();
    if (all.size >= maxKnown) all.clear();
    known.set(key, all.set(text, read));
    return read;
  };
}

/** @param requestAuthenticator of the device's request: salted values are hidden under it */
export function readCoreAttributes(encoded: string, requestAuthenticator: Buffer, key: PacketKey): CoreAttributes {
  if (!/^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/.test(encoded) || encoded === '')
    return { kind: 'refused', reason: 'attribute_decode_failed' };
  const packet = parse(Buffer.from(encoded, 'base64'));
  if (packet === undefined) return { kind: 'refused', reason: 'attribute_parse_failed' };
  const attributes: Attribute[] = [];
  const dropped: number[] = [];
  let isHidden = false;
  const rehide = createRehider(
    { authenticator: packet.authenticator, key },
    { authenticator: requestAuthenticator, key },
  );
  for (const attribute of packet.attributes) {
    const passed = owned.has(attribute.type) ? undefined : rehide(attribute);
    if (passed === undefined) dropped.push(attribute.type);
    else attributes.push(...passed);
    isHidden ||= passed?.[0] !== attribute;
  }
  return { kind: 'attributes', attributes, dropped, isHidden };
}

function parse(bytes: Buffer) {
  try {
    return decodePacket(bytes);
  } catch {
    return undefined; // WireError: the one thing decoding throws
  }
}
