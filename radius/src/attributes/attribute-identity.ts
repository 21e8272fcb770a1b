// What one attribute is, whatever its value. Called by the policy file's rules and by changes of running sessions.
import { type Attribute, vendorSpecific } from '@gatehouse/wire/radius';

/** Type, and for vendors their number and type. */
export function attributeIdentity({ type, value }: Attribute): string {
  return type === vendorSpecific ? `${type} ${value.subarray(0, 5).toString('hex')}` : String(type);
}
