// Inside PEAPv0 (MS-PEAP, radius.md §11.8): identity, then MS-CHAPv2 where the provider has Wi-Fi secrets, else or if the
// peer wants it GTC, then the result TLV both ways. EAP packets travel without their header, except the TLV.
import { randomBytes } from 'node:crypto';
import { eapCode, eapType, encodeEap } from '@gatehouse/wire/eap';
import {
  decodeMsChapResponse,
  encodeMsChapChallenge,
  encodeMsChapResult,
  mschapOp,
  withoutDomain,
} from '@gatehouse/wire/mschap';
import { failInner, type Inner, type InnerOptions, type InnerStep, msChapError } from './inner.ts';

type State =
  | { readonly kind: 'identity' }
  | { readonly kind: 'gtc'; readonly username: string }
  | { readonly kind: 'mschap'; readonly username: string; readonly challenge: Buffer }
  | { readonly kind: 'mschap_success' }
  | { readonly kind: 'mschap_failure' }
  | { readonly kind: 'result'; readonly isSuccess: boolean };

const serverName = 'gatehouse';
const msChapId = 1;
/** Result TLV, mandatory (MS-PEAP §2.2.8.1.2). */
const resultSuccess = Buffer.from('800300020001', 'hex');
const resultFailure = Buffer.from('800300020002', 'hex');

export function createInnerPeap({ isMsChapOffered }: InnerOptions): Inner {
  let state: State = { kind: 'identity' };
  let challenge: Buffer | undefined;
  const say = (next: State, plain: Buffer): InnerStep => {
    state = next;
    return { kind: 'say', plain };
  };
  const askPassword = (username: string) =>
    say({ kind: 'gtc', username }, Buffer.concat([Buffer.of(eapType.gtc), Buffer.from('Password')]));
  const askMsChap = (username: string) => {
    challenge = randomBytes(16);
    const packet = encodeMsChapChallenge(msChapId, challenge, serverName);
    return say({ kind: 'mschap', username, challenge }, Buffer.concat([Buffer.of(eapType.mschapv2), packet]));
  };
  const sayResult = (isSuccess: boolean) => {
    const data = isSuccess ? resultSuccess : resultFailure;
    return say(
      { kind: 'result', isSuccess },
      encodeEap({ code: eapCode.request, identifier: 0, type: eapType.tlv, data }),
    );
  };
  return {
    start: () => Buffer.of(eapType.identity),
    receive(data) {
      const type = data[0];
      switch (state.kind) {
        case 'identity': {
          if (type !== eapType.identity) return failInner(`inner type ${type} in place of an identity`);
          const username = data.subarray(1).toString('utf8');
          return isMsChapOffered ? askMsChap(username) : askPassword(username);
        }
        case 'gtc': {
          const { username } = state;
          if (type === eapType.nak) return failInner(nakReason(data, isMsChapOffered));
          if (type !== eapType.gtc) return failInner(`inner type ${type} in place of GTC`);
          return { kind: 'ask', claim: { kind: 'password', username, password: data.subarray(1).toString('utf8') } };
        }
        case 'mschap': {
          const { username } = state;
          if (type === eapType.nak)
            return data.includes(eapType.gtc, 1) ? askPassword(username) : failInner(nakReason(data, true));
          if (type !== eapType.mschapv2) return failInner(`inner type ${type} in place of MS-CHAPv2`);
          const response = decodeMsChapResponse(data.subarray(1));
          // The name in the response is the one that was hashed; it must be the one who claims to be here.
          if (withoutDomain(response.username).toLowerCase() !== withoutDomain(username).toLowerCase())
            return failInner('the name in the MS-CHAPv2 response is another one');
          return { kind: 'ask', claim: { kind: 'mschapv2', challenge: state.challenge, ...response } };
        }
        case 'mschap_success':
          return type === eapType.mschapv2 && data[1] === mschapOp.success
            ? sayResult(true)
            : failInner('the peer does not trust our MS-CHAPv2 response');
        case 'mschap_failure':
          return sayResult(false);
        case 'result':
          return state.isSuccess && isResultSuccess(data) ? { kind: 'done' } : failInner('the result is failure');
      }
    },
    passed(proof) {
      if (proof === undefined) return sayResult(true);
      const text = `${proof.authenticatorResponse} M=Welcome`;
      const packet = encodeMsChapResult(mschapOp.success, msChapId, text);
      return say({ kind: 'mschap_success' }, Buffer.concat([Buffer.of(eapType.mschapv2), packet]));
    },
    refused() {
      if (state.kind !== 'mschap' || challenge === undefined) return failInner('refused');
      const packet = encodeMsChapResult(mschapOp.failure, msChapId, msChapError(challenge));
      return say({ kind: 'mschap_failure' }, Buffer.concat([Buffer.of(eapType.mschapv2), packet]));
    },
  };
}

function nakReason(data: Buffer, isMsChapOffered: boolean): string {
  const wanted = [...data.subarray(1)].join(', ');
  if (isMsChapOffered || !data.includes(eapType.mschapv2, 1)) return `no common inner method; the peer wants ${wanted}`;
  return 'the peer wants MS-CHAPv2, which cannot work with hashed passwords; switch on wifi_secrets of the provider, or set the device to GTC or to EAP-TTLS/PAP';
}

/** The peer echoes the TLV as a whole EAP packet. */
function isResultSuccess(data: Buffer): boolean {
  return (
    data.length >= 11 &&
    data[0] === eapCode.response &&
    data[4] === eapType.tlv &&
    data.subarray(5, 11).equals(resultSuccess)
  );
}
