// Entry `@gatehouse/wire/mschap`. Users: radius, core.
export {
  decodeMsChapResponse,
  type EapMsChapResponse,
  encodeMsChapChallenge,
  encodeMsChapResult,
  mschapOp,
} from './eap-mschapv2.ts';
export {
  authenticatorResponse,
  challengeResponse,
  isMsChapResponse,
  type MsChapResponse,
  mppeKeys,
  ntHash,
  withoutDomain,
} from './mschapv2.ts';
