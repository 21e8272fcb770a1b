// One element for each component of a challenge, under the component's own name.
import { AccessDeniedStage } from './stages/access-denied.ts';
import { AuthenticatorValidateStage } from './stages/authenticator-validate.ts';
import { ConsentStage } from './stages/consent.ts';
import { DummyStage } from './stages/dummy.ts';
import { FlowErrorStage } from './stages/flow-error.ts';
import { IdentificationStage } from './stages/identification.ts';
import { PasswordStage } from './stages/password.ts';
import { RedirectStage } from './stages/redirect.ts';
import { UnknownStage } from './stages/unknown.ts';
import { UserLoginStage } from './stages/user-login.ts';

export const unknownComponent = 'gh-stage-unknown';

export const stageElements: ReadonlyMap<string, CustomElementConstructor> = new Map<string, CustomElementConstructor>([
  ['ak-stage-access-denied', AccessDeniedStage],
  ['ak-stage-authenticator-validate', AuthenticatorValidateStage],
  ['ak-stage-consent', ConsentStage],
  ['ak-stage-dummy', DummyStage],
  ['ak-stage-flow-error', FlowErrorStage],
  ['ak-stage-identification', IdentificationStage],
  ['ak-stage-password', PasswordStage],
  ['ak-stage-user-login', UserLoginStage],
  ['xak-flow-redirect', RedirectStage],
  ['xak-flow-error', FlowErrorStage],
  [unknownComponent, UnknownStage],
]);
