// Values that are hidden under the shared secret: User-Password (RFC 2865 §5.2) and salted values (RFC 2868 §3.5,
// RFC 2548 §2.4.2). Called by the daemon for passwords, tunnel passwords and MPPE keys.
import { Buffer } from 'node:buffer';
import { malformed, tooLarge } from '../errors.ts';
import type { PacketKey } from './packet-key.ts';

const block = 16;
const maxPasswordBytes = 128;
const maxSaltedBytes = 239;

/** @throws WireError `ERR_WIRE_TOO_LARGE` over 128 bytes */
export function hidePassword(password: Buffer, requestAuthenticator: Buffer, key: PacketKey): Buffer {
  if (password.length > maxPasswordBytes)
    throw tooLarge(`a password of ${password.length} bytes; at most ${maxPasswordBytes}`);
  return chain(padded(password), requestAuthenticator, key, 'hide');
}

/**
 * @returns the password without its padding; with a wrong secret it is noise
 * @throws WireError `ERR_WIRE_MALFORMED` unless the value has 16, 32, … 128 bytes
 */
export function revealPassword(value: Buffer, requestAuthenticator: Buffer, key: PacketKey): Buffer {
  checkHidden(value);
  const plain = chain(value, requestAuthenticator, key, 'reveal');
  let end = plain.length;
  while (end > 0 && plain[end - 1] === 0) end--;
  return plain.subarray(0, end);
}

/** What a value is hidden under: the authenticator of a request and the secret of who sent it. */
export interface Hiding {
  readonly authenticator: Buffer;
  readonly key: PacketKey;
}

/**
 * A value in the form of User-Password, hidden for another receiver; its padding stays as it is.
 * @throws WireError `ERR_WIRE_MALFORMED` as {@link revealPassword}
 */
export function rehidePassword(value: Buffer, from: Hiding, to: Hiding): Buffer {
  checkHidden(value);
  return chain(chain(value, from.authenticator, from.key, 'reveal'), to.authenticator, to.key, 'hide');
}

/** @param salt two bytes, the top bit set, different for each attribute of a packet */
export function hideSalted(plain: Buffer, salt: Buffer, requestAuthenticator: Buffer, key: PacketKey): Buffer {
  if (plain.length > maxSaltedBytes)
    throw tooLarge(`a salted value of ${plain.length} bytes; at most ${maxSaltedBytes}`);
  const counted = padded(Buffer.concat([Buffer.of(plain.length), plain]));
  return Buffer.concat([salt, chain(counted, Buffer.concat([requestAuthenticator, salt]), key, 'hide')]);
}

/** @throws WireError `ERR_WIRE_MALFORMED` when the length inside is impossible: another secret or authenticator */
export function revealSalted(value: Buffer, requestAuthenticator: Buffer, key: PacketKey): Buffer {
  if (value.length < 2 + block || (value.length - 2) % block !== 0)
    throw malformed(`a salted value of ${value.length} bytes`);
  const first = Buffer.concat([requestAuthenticator, value.subarray(0, 2)]);
  const counted = chain(value.subarray(2), first, key, 'reveal');
  const length = counted.readUInt8(0);
  if (length >= counted.length) throw malformed('a salted value does not hold the length it says');
  return counted.subarray(1, 1 + length);
}

function checkHidden(value: Buffer): void {
  if (value.length === 0 || value.length % block !== 0 || value.length > maxPasswordBytes)
    throw malformed(`User-Password of ${value.length} bytes; it must be 16, 32, … ${maxPasswordBytes}`);
}

/** c(i) = p(i) xor MD5(secret, c(i-1)), c(0) = `first`. */
function chain(input: Buffer, first: Buffer, key: PacketKey, direction: 'hide' | 'reveal'): Buffer {
  const output = Buffer.allocUnsafe(input.length);
  let previous = first;
  for (let at = 0; at < input.length; at += block) {
    if (at > 0) previous = (direction === 'hide' ? output : input).subarray(at - block, at);
    key.digestAfterSecretInto(pad, 0, previous);
    for (let byte = 0; byte < block; byte++) output[at + byte] = (input[at + byte] ?? 0) ^ (pad[byte] ?? 0);
  }
  return output;
}

/** Overwritten for each block. */
const pad = new Uint8Array(block);

function padded(value: Buffer): Buffer {
  const size = Math.max(block, Math.ceil(value.length / block) * block);
  return Buffer.concat([value], size);
}
