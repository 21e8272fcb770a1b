// All kinds of stages by the name of their model.
import { consentStage } from './consent.ts';
import { denyStage } from './deny.ts';
import { deviceApprovalKind, deviceCodeKind } from './device-code.ts';
import { dummyStage } from './dummy.ts';
import { frontchannelLogoutStage } from './frontchannel-logout.ts';
import { identificationStage } from './identification.ts';
import { mutualTlsStage } from './mutual-tls/stage.ts';
import { passwordStage } from './password.ts';
import { promptStage } from './prompt/stage.ts';
import { redirectStage } from './redirect.ts';
import { sessionEndStage } from './session-end.ts';
import { staticSetupStage } from './setup/static.ts';
import { totpSetupStage } from './setup/totp.ts';
import type { StageKind } from './stage.ts';
import { userLoginStage } from './user-login.ts';
import { userLogoutStage } from './user-logout.ts';
import { userWriteStage } from './user-write/stage.ts';
import { validateStage } from './validate/stage.ts';

const kinds: readonly StageKind[] = [
  consentStage,
  denyStage,
  dummyStage,
  identificationStage,
  mutualTlsStage,
  passwordStage,
  promptStage,
  redirectStage,
  staticSetupStage,
  totpSetupStage,
  userLoginStage,
  userLogoutStage,
  userWriteStage,
  validateStage,
];

/** Those that only code puts into plans are no models. */
const inserted: readonly StageKind[] = [sessionEndStage, frontchannelLogoutStage, deviceCodeKind, deviceApprovalKind];

export const stageKinds: ReadonlyMap<string, StageKind> = new Map(
  [...kinds, ...inserted].map((kind) => [kind.model.id, kind]),
);
export const stageModels = kinds.map(({ model }) => model);
