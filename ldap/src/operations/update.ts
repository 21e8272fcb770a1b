// Add, modify, delete, modifyDN: the directory is read-only (ldap.md §13).
import { resultCode } from '@gatehouse/wire/ldap';
import { Refusal } from '../errors.ts';

export function refuseUpdate(): never {
  throw new Refusal(resultCode.insufficientAccessRights, 'Insufficient Access Rights');
}
