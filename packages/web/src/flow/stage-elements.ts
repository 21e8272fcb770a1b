// One element for each component of a challenge, under the component's own name.
import { AccessDeniedStage } from './stages/access-denied.ts';
import { StaticSetupStage } from './stages/authenticator-static.ts';
import { TotpSetupStage } from './stages/authenticator-totp.ts';
import { AuthenticatorValidateStage } from './stages/authenticator-validate.ts';
import { AutosubmitStage } from './stages/autosubmit.ts';
import { ConsentStage } from './stages/consent.ts';
import { DeviceCodeFinishStage, DeviceCodeStage } from './stages/device-code.ts';
import { DummyStage } from './stages/dummy.ts';
import { EmailStage } from './stages/email.ts';
import { FlowErrorStage } from './stages/flow-error.ts';
import { FrameStage } from './stages/frame.ts';
import { HeldRedirectStage } from './stages/held-redirect.ts';
import { IdentificationStage } from './stages/identification.ts';
import { IframeLogoutStage } from './stages/iframe-logout.ts';
import { PasswordStage } from './stages/password.ts';
import { PromptStage } from './stages/prompt.ts';
import { RedirectStage } from './stages/redirect.ts';
import { SessionEndStage } from './stages/session-end.ts';
import { UnknownStage } from './stages/unknown.ts';
import { UserLoginStage } from './stages/user-login.ts';

export const unknownComponent = 'gh-stage-unknown';
/** Stands for a redirect that is not followed by itself. */
export const heldRedirectComponent = 'gh-stage-held-redirect';

export const stageElements: ReadonlyMap<string, CustomElementConstructor> = new Map<string, CustomElementConstructor>([
  ['ak-stage-access-denied', AccessDeniedStage],
  ['ak-stage-authenticator-validate', AuthenticatorValidateStage],
  ['ak-stage-consent', ConsentStage],
  ['ak-stage-dummy', DummyStage],
  ['ak-stage-flow-error', FlowErrorStage],
  ['ak-stage-identification', IdentificationStage],
  ['ak-stage-password', PasswordStage],
  ['ak-stage-user-login', UserLoginStage],
  ['ak-stage-authenticator-static', StaticSetupStage],
  ['ak-stage-authenticator-totp', TotpSetupStage],
  ['ak-stage-autosubmit', AutosubmitStage],
  ['ak-stage-email', EmailStage],
  ['ak-stage-prompt', PromptStage],
  ['ak-stage-session-end', SessionEndStage],
  ['xak-flow-frame', FrameStage],
  ['ak-provider-iframe-logout', IframeLogoutStage],
  ['ak-provider-oauth2-device-code', DeviceCodeStage],
  ['ak-provider-oauth2-device-code-finish', DeviceCodeFinishStage],
  ['xak-flow-redirect', RedirectStage],
  ['xak-flow-error', FlowErrorStage],
  [heldRedirectComponent, HeldRedirectStage],
  [unknownComponent, UnknownStage],
]);
