// MS-CHAPv2 without EAP (RFC 2548 §2.3): VPN gateways and PPP devices. Works against Wi-Fi secrets only; the answer proves
// that we know the secret too, and carries the keys for MPPE.
import type { MsChapResponse } from '@gatehouse/wire/mschap';
import { type Attribute, encodeVendor, packetCode, vendorId } from '@gatehouse/wire/radius';
import { mppeKeys } from '../attributes/mppe-keys.ts';
import type { MsChapProof } from '../core.ts';
import type { AdmittedRequest, Answer } from '../datagram/request.ts';
import { msChapError } from '../eap/inner.ts';
import { type Answering, askAccess } from './ask-access.ts';

const errorType = 2;
const encryptionPolicy = 7;
const encryptionTypes = 8;
const successType = 26;
/** Encryption allowed (RFC 2548 §2.4.4), with keys of 40 and 128 bits (§2.4.5). */
const encryptionAllowed = Buffer.of(0, 0, 0, 1);
const keys40And128 = Buffer.of(0, 0, 0, 6);

export async function answerMsChap(
  options: Answering,
  request: AdmittedRequest,
  { identifier, response }: { readonly identifier: number; readonly response: MsChapResponse },
): Promise<Answer> {
  const { username } = response;
  const asked = await askAccess(options, request, { kind: 'mschapv2', ...response });
  if (asked.kind === 'accepted' && asked.access.mschap !== undefined) {
    options.onAccepted(request, asked.access, asked.attributes);
    const attributes = [...successOf(identifier, asked.access.mschap, request), ...asked.attributes];
    return { kind: 'reply', code: packetCode.accessAccept, attributes, username };
  }
  const answer = asked.kind === 'not_accepted' ? asked.answer : ({ kind: 'silence', reason: 'failure' } as const);
  // Only a wrong secret is told as one; what cannot work at all gets a plain Reject.
  const isWrong = answer.kind === 'reply' && answer.reason === 'invalid_credentials';
  if (!isWrong) return { ...answer, username };
  return {
    ...answer,
    attributes: [microsoft(errorType, tagged(identifier, msChapError(response.challenge)))],
    username,
  };
}

function successOf(identifier: number, proof: MsChapProof, request: AdmittedRequest): Attribute[] {
  return [
    microsoft(successType, tagged(identifier, proof.authenticatorResponse)),
    microsoft(encryptionPolicy, encryptionAllowed),
    microsoft(encryptionTypes, keys40And128),
    ...mppeKeys(proof.recvKey, proof.sendKey, request),
  ];
}

function tagged(identifier: number, text: string): Buffer {
  return Buffer.concat([Buffer.of(identifier), Buffer.from(text)]);
}

function microsoft(type: number, value: Buffer): Attribute {
  return encodeVendor({ vendor: vendorId.microsoft, type, value });
}
