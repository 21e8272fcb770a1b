// Entry `@gatehouse/outpost/login`. Users: ldap, radius.
export { type AccessRequest, checkAccess, currentGroups, type LogoutRequest, logout } from './access.ts';
export { changePassword, type PasswordChange, type PasswordChangeOutcome } from './change-password.ts';
export { type LoginDependencies, type LoginRequest, login, loginInSteps } from './login.ts';
export { type Credentials, splitPasswordCode } from './mfa-code.ts';
export type { CodeWanted, CoreSession, LoginOutcome, RefusalReason } from './outcome.ts';
