// MS-CHAPv2 inside EAP (draft-kamath-pppext-eap-mschapv2-02): type data after the type 26. Called by radius/src/eap.
import { malformed } from '../errors.ts';

export const mschapOp = { challenge: 1, response: 2, success: 3, failure: 4 } as const;

const responseBytes = 49;

export interface EapMsChapResponse {
  readonly peerChallenge: Buffer;
  readonly ntResponse: Buffer;
  readonly username: string;
}

/** @param challenge 16 bytes */
export function encodeMsChapChallenge(identifier: number, challenge: Buffer, serverName: string): Buffer {
  return packet(
    mschapOp.challenge,
    identifier,
    Buffer.concat([Buffer.of(challenge.length), challenge, Buffer.from(serverName)]),
  );
}

/** @param text such as `S=… M=…` or `E=691 …` */
export function encodeMsChapResult(op: 3 | 4, identifier: number, text: string): Buffer {
  return packet(op, identifier, Buffer.from(text));
}

/** @throws WireError `ERR_WIRE_MALFORMED` unless it is a whole response of 49 bytes and a name */
export function decodeMsChapResponse(data: Buffer): EapMsChapResponse {
  if (data.length < 5 + responseBytes || data[0] !== mschapOp.response || data[4] !== responseBytes)
    throw malformed('an MS-CHAPv2 response of another form');
  return {
    peerChallenge: data.subarray(5, 21),
    ntResponse: data.subarray(29, 53),
    username: data.subarray(5 + responseBytes).toString('utf8'),
  };
}

function packet(op: number, identifier: number, value: Buffer): Buffer {
  const head = Buffer.of(op, identifier, 0, 0);
  head.writeUInt16BE(4 + value.length, 2);
  return Buffer.concat([head, value]);
}
