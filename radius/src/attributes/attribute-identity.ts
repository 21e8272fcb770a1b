// What one attribute is, whatever its value. Called by the policy file's rules and by changes of running sessions.
import { type Attribute, firstExtended, lastExtended, vendorSpecific } from '@gatehouse/wire/radius';

/** Type, for vendors with their number and type, and in the extended space (RFC 6929) with the type there. */
export function attributeIdentity({ type, value }: Attribute): string {
  if (type >= firstExtended && type <= lastExtended) return `${type} ${value[0] ?? ''}`;
  return type === vendorSpecific ? `${type} ${value.subarray(0, 5).toString('hex')}` : String(type);
}
