// Inside EAP-TTLS (RFC 5281 §11.2): the peer begins with attribute-value pairs: PAP, or MS-CHAPv2 with a challenge that both
// ends take from the tunnel, so that it cannot be replayed into another one.
import { timingSafeEqual } from 'node:crypto';
import { type Avp, decodeAvps, encodeAvps } from '@gatehouse/wire/eap';
import { vendorId } from '@gatehouse/wire/radius';
import { failInner, type Inner, type InnerStep, msChapError } from './inner.ts';

const userName = 1;
const userPassword = 2;
const msChapChallenge = 11;
const msChap2Response = 25;
const msChap2Success = 26;
const msChapErrorType = 2;

/** @param implicitChallenge 17 bytes of the tunnel: challenge and identifier (RFC 5281 §11.1) */
export function createInnerTtls(implicitChallenge: () => Buffer): Inner {
  let identifier = 0;
  let challenge: Buffer = Buffer.alloc(0);
  let isEnding = false;
  const sayMicrosoft = (code: number, text: string): Buffer =>
    encodeAvps([{ code, vendor: vendorId.microsoft, data: Buffer.concat([Buffer.of(identifier), Buffer.from(text)]) }]);
  return {
    start: () => undefined,
    receive(data) {
      if (isEnding) return { kind: 'done' };
      const avps = decodeAvps(data);
      const username = avpOf(avps, 0, userName)?.toString('utf8');
      if (username === undefined) return failInner('no User-Name in the tunnel');
      const password = avpOf(avps, 0, userPassword);
      if (password !== undefined)
        return {
          kind: 'ask',
          claim: { kind: 'password', username, password: password.toString('utf8').replace(/\0+$/, '') },
        };
      const response = avpOf(avps, vendorId.microsoft, msChap2Response);
      const given = avpOf(avps, vendorId.microsoft, msChapChallenge);
      if (response?.length !== 50 || given === undefined) return failInner('inner method is neither PAP nor MS-CHAPv2');
      const expected = implicitChallenge();
      challenge = expected.subarray(0, 16);
      identifier = response.readUInt8(0);
      if (given.length !== 16 || !timingSafeEqual(given, challenge) || identifier !== expected[16])
        return failInner('the MS-CHAPv2 challenge is not that of the tunnel');
      const [peerChallenge, ntResponse] = [response.subarray(2, 18), response.subarray(26, 50)];
      return { kind: 'ask', claim: { kind: 'mschapv2', username, challenge, peerChallenge, ntResponse } };
    },
    passed(proof): InnerStep {
      if (proof === undefined) return { kind: 'done' };
      isEnding = true; // the peer answers with nothing (RFC 5281 §11.2.4)
      return { kind: 'say', plain: sayMicrosoft(msChap2Success, proof.authenticatorResponse) };
    },
    refused(): InnerStep {
      if (challenge.length === 0) return failInner('refused');
      return { kind: 'say_and_fail', plain: sayMicrosoft(msChapErrorType, msChapError(challenge)), reason: 'refused' };
    },
  };
}

function avpOf(avps: readonly Avp[], vendor: number, code: number): Buffer | undefined {
  return avps.find((avp) => avp.vendor === vendor && avp.code === code)?.data;
}
