// What events can be about (core.md §20.1). Names are part of the API; `custom_<anything>` is allowed too.

export const eventActions: readonly string[] = (
  'login login_failed logout user_write suspicious_request password_set secret_view secret_rotate invitation_used ' +
  'authorize_application source_linked impersonation_started impersonation_ended flow_execution policy_execution ' +
  'policy_exception property_mapping_exception system_task_execution system_task_exception system_exception ' +
  'configuration_error configuration_warning model_created model_updated model_deleted email_sent update_available ' +
  'export_ready review_initiated review_overdue review_attested review_completed'
).split(' ');

export function isEventAction(value: string): boolean {
  return eventActions.includes(value) || value.startsWith('custom_');
}
