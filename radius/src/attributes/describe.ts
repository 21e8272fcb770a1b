// Attributes for people: names of the dictionary, values by name, hidden values hidden. Used by the commands.
import {
  type Attribute,
  createDictionary,
  type Dictionary,
  decodeExtended,
  decodeExtendedVendor,
  decodeVendor,
  extendedVendorSpecific,
  firstExtended,
  formatNamedValue,
  formatTlvs,
  formatValue,
  lastExtended,
  tagOf,
  vendorSpecific,
} from '@gatehouse/wire/radius';

/** A line for each attribute; a vendor attribute with several inside gives several. */
export function describeAttributes(attributes: readonly Attribute[]): string[] {
  const dictionary = createDictionary();
  const show = (vendor: number, type: number, value: Buffer) => {
    const entry = dictionary.byNumber(vendor, type);
    if (entry === undefined)
      return `${vendor === 0 ? `Attribute-${type}` : `Vendor-${vendor}-${type}`} = ${formatValue('octets', value)}`;
    if (entry.valueType === 'tlv') return `${entry.name} = ${formatTlvs(dictionary, entry.path, value)}`;
    const isTagged = entry.valueType.startsWith('tagged') && tagOf(value) !== undefined;
    const isHidden = entry.valueType === 'hidden' || entry.valueType.endsWith('salted');
    return `${entry.name}${isTagged ? `:${tagOf(value)}` : ''} = ${isHidden ? '***' : formatNamedValue(entry, value)}`;
  };
  return attributes.flatMap(({ type, value }, at) => {
    if (type >= firstExtended && type <= lastExtended) {
      // Fragments of one follow each other: all are shown where the first of them stands.
      if (attributes[at - 1]?.type === type) return [];
      const end = attributes.findIndex((one, later) => later > at && one.type !== type);
      return describeExtended(dictionary, attributes.slice(at, end === -1 ? undefined : end));
    }
    const inner = type === vendorSpecific ? decodeVendor(value) : undefined;
    return inner?.map((one) => show(one.vendor, one.type, one.value)) ?? [show(0, type, value)];
  });
}

/** @param attributes of one type, next to each other */
function describeExtended(dictionary: Dictionary, attributes: readonly Attribute[]): string[] {
  try {
    return decodeExtended(attributes).map(({ type, extendedType, value }) => {
      const path = `${type}.${extendedType}`;
      const vendor = extendedType === extendedVendorSpecific ? decodeExtendedVendor(value) : undefined;
      if (vendor !== undefined)
        return `Attribute-${path}.${vendor.vendor}.${vendor.type} = ${formatValue('octets', vendor.value)}`;
      const entry = dictionary.byNumber(0, path);
      if (entry === undefined) return `Attribute-${path} = ${formatValue('octets', value)}`;
      const shown = entry.valueType === 'tlv' ? formatTlvs(dictionary, path, value) : formatNamedValue(entry, value);
      return `${entry.name} = ${shown}`;
    });
  } catch {
    // WireError: fragments that do not belong together are shown as they came
    return attributes.map(({ type, value }) => `Attribute-${type} = ${formatValue('octets', value)}`);
  }
}
