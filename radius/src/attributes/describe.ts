// Attributes for people: names of the dictionary, values by name, hidden values hidden. Used by the commands.
import {
  type Attribute,
  createDictionary,
  decodeVendor,
  formatNamedValue,
  formatValue,
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
    const isTagged = entry.valueType.startsWith('tagged') && tagOf(value) !== undefined;
    const isHidden = entry.valueType === 'hidden' || entry.valueType.endsWith('salted');
    return `${entry.name}${isTagged ? `:${tagOf(value)}` : ''} = ${isHidden ? '***' : formatNamedValue(entry, value)}`;
  };
  return attributes.flatMap(({ type, value }) => {
    const inner = type === vendorSpecific ? decodeVendor(value) : undefined;
    return inner?.map((one) => show(one.vendor, one.type, one.value)) ?? [show(0, type, value)];
  });
}
