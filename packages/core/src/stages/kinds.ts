// All kinds of stages by the name of their model.
import { consentStage } from './consent.ts';
import { denyStage } from './deny.ts';
import { dummyStage } from './dummy.ts';
import { identificationStage } from './identification.ts';
import { passwordStage } from './password.ts';
import { redirectStage } from './redirect.ts';
import type { StageKind } from './stage.ts';
import { userLoginStage } from './user-login.ts';
import { userLogoutStage } from './user-logout.ts';
import { validateStage } from './validate/stage.ts';

const kinds: readonly StageKind[] = [
  consentStage,
  denyStage,
  dummyStage,
  identificationStage,
  passwordStage,
  redirectStage,
  userLoginStage,
  userLogoutStage,
  validateStage,
];

export const stageKinds: ReadonlyMap<string, StageKind> = new Map(kinds.map((kind) => [kind.model.id, kind]));
export const stageModels = kinds.map(({ model }) => model);
