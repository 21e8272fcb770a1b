// Entry `@gatehouse/contract/flow`: challenges and answers of the flow executor (flow-executor.md §10–§12). Users: outposts
// (what they can solve), the core (what it serves), the browser pages.
import { z } from 'zod';

export interface ErrorDetail {
  readonly string: string;
  readonly code: string;
}
export type ResponseErrors = Readonly<Record<string, readonly ErrorDetail[]>>;

export interface FlowInfo {
  readonly title: string;
  readonly background: string;
  readonly background_themed_urls: { readonly light: string; readonly dark: string } | null;
  readonly cancel_url: string;
  readonly layout: string;
}

interface Common {
  readonly flow_info?: FlowInfo;
  readonly response_errors?: ResponseErrors;
}
interface WithUser extends Common {
  readonly pending_user: string;
  readonly pending_user_avatar: string;
}

export interface DeviceChallenge {
  readonly device_class: string;
  readonly device_uid: string;
  readonly challenge: Readonly<Record<string, unknown>>;
  readonly last_used: string | null;
}

export interface IdentificationChallenge extends Common {
  readonly component: 'ak-stage-identification';
  readonly user_fields: readonly string[] | null;
  readonly pending_user_identifier?: string | null;
  readonly password_fields: boolean;
  readonly allow_show_password: boolean;
  readonly application_pre?: string;
  readonly application_pre_launch?: string;
  readonly flow_designation: string;
  readonly captcha_stage: null;
  readonly primary_action: string;
  readonly sources: readonly never[];
  readonly show_source_labels: boolean;
  readonly enable_remember_me: boolean;
  readonly passkey_challenge: null;
  readonly enroll_url?: string;
  readonly recovery_url?: string;
  readonly passwordless_url?: string;
}
export interface PasswordChallenge extends WithUser {
  readonly component: 'ak-stage-password';
  readonly recovery_url?: string;
  readonly allow_show_password: boolean;
}
export interface AuthenticatorValidateChallenge extends WithUser {
  readonly component: 'ak-stage-authenticator-validate';
  readonly device_challenges: readonly DeviceChallenge[];
  readonly configuration_stages: readonly {
    readonly pk: string;
    readonly name: string;
    readonly verbose_name: string;
    readonly meta_model_name: string;
  }[];
}
export interface UserLoginChallenge extends WithUser {
  readonly component: 'ak-stage-user-login';
}
export interface AccessDeniedChallenge extends WithUser {
  readonly component: 'ak-stage-access-denied';
  readonly error_message?: string;
}
export interface RedirectChallenge extends Common {
  readonly component: 'xak-flow-redirect';
  readonly to: string;
}
export interface FlowErrorChallenge extends Common {
  readonly component: 'ak-stage-flow-error';
  readonly request_id: string;
  readonly error?: string;
  readonly traceback?: string;
}
export interface DummyChallenge extends Common {
  readonly component: 'ak-stage-dummy';
  readonly name: string;
}
export interface ConsentChallenge extends WithUser {
  readonly component: 'ak-stage-consent';
  readonly header_text?: string;
  readonly permissions: readonly { readonly id: string; readonly name: string }[];
  readonly additional_permissions: readonly { readonly id: string; readonly name: string }[];
  readonly token: string;
}
export interface TotpSetupChallenge extends WithUser {
  readonly component: 'ak-stage-authenticator-totp';
  readonly config_url: string;
}
export interface StaticSetupChallenge extends WithUser {
  readonly component: 'ak-stage-authenticator-static';
  readonly codes: readonly string[];
}
export interface PromptField {
  readonly field_key: string;
  readonly label: string;
  readonly type: string;
  readonly required: boolean;
  readonly placeholder: string;
  readonly initial_value: string;
  readonly order: number;
  readonly sub_text: string;
  readonly choices: readonly { readonly value: string; readonly label: string }[] | null;
}
export interface PromptChallenge extends Common {
  readonly component: 'ak-stage-prompt';
  readonly fields: readonly PromptField[];
}
export interface SessionEndChallenge extends WithUser {
  readonly component: 'ak-stage-session-end';
  readonly brand_name: string;
  readonly application_name?: string;
  readonly application_launch_url?: string;
  readonly invalidation_flow_url?: string;
}
export interface AutosubmitChallenge extends Common {
  readonly component: 'ak-stage-autosubmit';
  readonly url: string;
  readonly attrs: Readonly<Record<string, string>>;
  readonly title?: string;
}
export interface EmailChallenge extends Common {
  readonly component: 'ak-stage-email';
}
export interface FrameChallenge extends Common {
  readonly component: 'xak-flow-frame';
  readonly url: string;
  readonly loading_overlay?: boolean;
  readonly loading_text?: string;
}
export interface LogoutUrl {
  readonly url: string;
  readonly provider_name: string | null;
  readonly binding: string | null;
  readonly saml_request: string | null;
  readonly saml_response: string | null;
  readonly saml_relay_state: string | null;
}
export interface IframeLogoutChallenge extends Common {
  readonly component: 'ak-provider-iframe-logout';
  readonly logout_urls: readonly LogoutUrl[];
}
export interface DeviceCodeChallenge extends Common {
  readonly component: 'ak-provider-oauth2-device-code';
}
export interface DeviceCodeFinishChallenge extends Common {
  readonly component: 'ak-provider-oauth2-device-code-finish';
}

export type Challenge =
  | IdentificationChallenge
  | PasswordChallenge
  | AuthenticatorValidateChallenge
  | UserLoginChallenge
  | AccessDeniedChallenge
  | RedirectChallenge
  | FlowErrorChallenge
  | DummyChallenge
  | ConsentChallenge
  | TotpSetupChallenge
  | StaticSetupChallenge
  | PromptChallenge
  | SessionEndChallenge
  | AutosubmitChallenge
  | EmailChallenge
  | FrameChallenge
  | IframeLogoutChallenge
  | DeviceCodeChallenge
  | DeviceCodeFinishChallenge;
export type Component = Challenge['component'];

const errors = z.record(z.string(), z.array(z.object({ string: z.string(), code: z.string() }))).optional();

/** What a headless client reads of any challenge; everything else passes through unseen. */
export const receivedChallenge = z.object({
  component: z.string(),
  response_errors: errors,
  error_message: z.string().optional(),
  password_fields: z.boolean().optional(),
  device_challenges: z
    .array(
      z.object({
        device_class: z.string(),
        device_uid: z.string(),
        challenge: z.record(z.string(), z.unknown()),
        last_used: z.string().nullable(),
      }),
    )
    .optional(),
  fields: z
    .array(
      z.object({
        field_key: z.string(),
        type: z.string(),
        required: z.boolean(),
        initial_value: z.string().catch(''),
      }),
    )
    .optional()
    .catch(undefined),
});
export type ReceivedChallenge = z.infer<typeof receivedChallenge>;
