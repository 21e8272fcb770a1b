// Bytes of password modify (RFC 3062) and of cancel (RFC 3909): the values of these extended operations.
import { BerReader, element, integer, octetString } from '../ber/index.ts';
import type { MessageId } from './messages.ts';

export interface PasswordModify {
  /** A DN or whatever the server knows users by; absent: whoever is bound. */
  readonly userIdentity: string | undefined;
  readonly oldPassword: Buffer | undefined;
  /** Absent: the server shall make one up. */
  readonly newPassword: Buffer | undefined;
}

/** @param value absent when the request has none, which is legal. @throws WireError */
export function decodePasswordModify(value: Buffer | undefined): PasswordModify {
  if (value === undefined) return { userIdentity: undefined, oldPassword: undefined, newPassword: undefined };
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const userIdentity = reader.peekTag() === 0x80 ? reader.text(0x80) : undefined;
  const oldPassword = reader.peekTag() === 0x81 ? reader.octets(0x81) : undefined;
  const newPassword = reader.peekTag() === 0x82 ? reader.octets(0x82) : undefined;
  reader.end();
  return { userIdentity, oldPassword, newPassword };
}

/** The client's direction. */
export function encodePasswordModify({ userIdentity, oldPassword, newPassword }: PasswordModify): Buffer {
  return element(
    0x30,
    ...(userIdentity === undefined ? [] : [octetString(userIdentity, 0x80)]),
    ...(oldPassword === undefined ? [] : [octetString(oldPassword, 0x81)]),
    ...(newPassword === undefined ? [] : [octetString(newPassword, 0x82)]),
  );
}

/** What the server answers that has made a password up. */
export function encodeGeneratedPassword(password: string): Buffer {
  return element(0x30, octetString(password, 0x80));
}

/** The client's direction. @throws WireError */
export function decodeGeneratedPassword(value: Buffer): string {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const password = reader.text(0x80);
  reader.end();
  return password;
}

/** Which operation shall be cancelled. @throws WireError */
export function decodeCancel(value: Buffer): MessageId {
  const outer = new BerReader(value);
  const reader = outer.enter(0x30);
  outer.end();
  const target = reader.integer();
  reader.end();
  return target;
}

/** The client's direction. */
export function encodeCancel(target: MessageId): Buffer {
  return element(0x30, integer(target));
}
