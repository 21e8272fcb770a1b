// The compiler compares our models with the vendor's own client: whatever its requests may carry is a field of ours, and
// whatever its rows show is a field or derived. A renamed or forgotten field does not compile.
import type { Wire } from '@gatehouse/contract/rest';
import type * as vendor from '@goauthentik/api';
import type { z } from 'zod';
import type { kindToMakeShape, useShape } from './api/answers.ts';
import type { applicationModel } from './applications/models.ts';
import type { madeTogetherShape } from './applications/routes.ts';
import type { blueprintModel } from './blueprints/models.ts';
import type { blueprintFileShape, importShape } from './blueprints/routes.ts';
import type { currentBrandShape } from './brands/answers.ts';
import type { brandModel } from './brands/models.ts';
import type { certificateModel } from './crypto/models.ts';
import type { deviceShape } from './devices/routes.ts';
import type { eventModel, ruleModel, transportModel } from './events/models.ts';
import type { statsShape, topShape, volumeShape } from './events/routes.ts';
import type { cacheShape, linkShape, userSettingShape } from './flows/answers.ts';
import type { inspectionShape } from './flows/inspector.ts';
import type { flowModel, stageBindingModel } from './flows/models.ts';
import type { countryShape } from './geoip/countries.ts';
import type { pathsShape, serviceAccountShape } from './identity/accounts.ts';
import type { groupModel } from './identity/models/group.ts';
import type { tokenModel } from './identity/models/token.ts';
import type { userModel } from './identity/models/user.ts';
import type { selfShape } from './identity/self.ts';
import type { mappingResultShape } from './mappings/test.ts';
import type { Model } from './models/model.ts';
import type { claimsShape } from './oidc/preview.ts';
import type {
  directoryAccessShape,
  instanceShape,
  outpostDefaultsShape,
  radiusAccessShape,
  servedShapes,
} from './outposts/answers.ts';
import type { outpostModel } from './outposts/models.ts';
import type { decisionShape } from './policies/answers.ts';
import type { policyBindingModel } from './policies/bindings.ts';
import type {
  ldapProviderModel,
  oauthProviderModel,
  proxyProviderModel,
  radiusProviderModel,
} from './providers/models.ts';
import type { setupUrlsShape } from './providers/routes.ts';
import type { assignedShape, rightOnObjectShape, rightShape, roleWithRightsShape } from './rbac/answers.ts';
import type { roleModel } from './rbac/models.ts';
import type { MutualTlsField } from './stages/mutual-tls/stage.ts';
import type { promptPreviewShape } from './stages/prompt/preview.ts';
import type { labelledShape, pastVersionShape, rootConfigShape, systemShape, versionShape } from './system/answers.ts';
import type { scheduleModel, taskModel } from './tasks/models.ts';
import type { workerShape } from './tasks/routes.ts';

type Fields<M extends Model> = keyof M['fields'];
/** Names that a request of the vendor's client may carry and that we would ignore. */
type Ignored<Request, M extends Model, Known extends string = never> = Exclude<keyof Wire<Request>, Fields<M> | Known>;
/** Names that the vendor's client reads and that come from no field: they must be derived. */
type Derived<Row, M extends Model> = Exclude<keyof Wire<Row>, Fields<M> | 'pk'>;

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
declare function expectTrue<T extends true>(): T;
declare function expectNone<T extends never>(): T;

expectNone<Ignored<vendor.UserRequest, typeof userModel, 'last_login'>>();
expectNone<Ignored<vendor.GroupRequest, typeof groupModel>>();
expectNone<Ignored<vendor.TokenRequest, typeof tokenModel>>();
expectNone<Ignored<vendor.BrandRequest, typeof brandModel, '_default'>>();
expectNone<Ignored<vendor.ApplicationRequest, typeof applicationModel>>();
expectNone<Ignored<vendor.CertificateKeyPairRequest, typeof certificateModel>>();
expectNone<Ignored<vendor.EventRequest, typeof eventModel>>();
expectNone<Ignored<vendor.NotificationRuleRequest, typeof ruleModel>>();
expectNone<Ignored<vendor.NotificationTransportRequest, typeof transportModel>>();
expectNone<Ignored<vendor.FlowRequest, typeof flowModel>>();
expectNone<Ignored<vendor.FlowStageBindingRequest, typeof stageBindingModel>>();
expectNone<Ignored<vendor.OutpostRequest, typeof outpostModel>>();
expectNone<Ignored<vendor.PolicyBindingRequest, typeof policyBindingModel>>();
expectNone<Ignored<vendor.RoleRequest, typeof roleModel>>();
expectNone<Ignored<vendor.BlueprintInstanceRequest, typeof blueprintModel>>();
expectNone<Ignored<vendor.ScheduleRequest, typeof scheduleModel>>();
expectNone<Ignored<vendor.LDAPProviderRequest, typeof ldapProviderModel>>();
expectNone<Ignored<vendor.RadiusProviderRequest, typeof radiusProviderModel>>();
expectNone<Ignored<vendor.OAuth2ProviderRequest, typeof oauthProviderModel>>();
expectNone<Ignored<vendor.ProxyProviderRequest, typeof proxyProviderModel>>();

expectTrue<Same<keyof Wire<vendor.MutualTLSStageRequest>, MutualTlsField | 'name'>>();

expectTrue<Same<Derived<vendor.Role, typeof roleModel>, never>>();
expectTrue<Same<Derived<vendor.Token, typeof tokenModel>, 'user_obj'>>();
expectTrue<Same<Derived<vendor.Event, typeof eventModel>, never>>();
expectTrue<Same<Derived<vendor.Task, typeof taskModel>, 'description'>>();
expectTrue<Same<Derived<vendor.Schedule, typeof scheduleModel>, 'description' | 'last_task_status'>>();
expectTrue<Same<Derived<vendor.BlueprintInstance, typeof blueprintModel>, 'managed_models'>>();
expectTrue<Same<Derived<vendor.PolicyBinding, typeof policyBindingModel>, 'policy_obj' | 'group_obj' | 'user_obj'>>();
expectTrue<Same<Derived<vendor.NotificationRule, typeof ruleModel>, 'destination_group_obj'>>();
expectTrue<Same<Derived<vendor.NotificationTransport, typeof transportModel>, 'mode_verbose'>>();

/** Names that the vendor's client reads of an answer and that we would not send. */
type Missing<Answer, Shape extends z.ZodType, Left extends string = never> = Exclude<
  keyof Wire<Answer>,
  keyof z.infer<Shape> | Left
>;

expectNone<Missing<vendor.Version, typeof versionShape>>();
expectNone<Missing<vendor.VersionHistory, typeof pastVersionShape>>();
expectNone<Missing<vendor.Config, typeof rootConfigShape>>();
expectNone<Missing<vendor.SystemInfo, typeof systemShape>>();
expectNone<Missing<vendor.App, typeof labelledShape>>();
expectNone<Missing<vendor.Worker, typeof workerShape>>();
expectNone<Missing<vendor.DetailedCountry, typeof countryShape>>();
expectNone<Missing<vendor.UsedBy, typeof useShape>>();
expectNone<Missing<vendor.Cache, typeof cacheShape>>();
expectNone<Missing<vendor.Link, typeof linkShape>>();
expectNone<Missing<vendor.UserServiceAccountResponse, typeof serviceAccountShape>>();
expectNone<Missing<vendor.UserPath, typeof pathsShape>>();
expectNone<Missing<vendor.Device, typeof deviceShape>>();
expectNone<Missing<vendor.Permission, typeof rightShape>>();
expectNone<Missing<vendor.RoleAssignedObjectPermission, typeof roleWithRightsShape>>();
expectNone<Missing<vendor.PermissionAssignResult, typeof assignedShape>>();
expectNone<Missing<vendor.PolicyTestResult, typeof decisionShape>>();
expectNone<Missing<vendor.PropertyMappingTestResult, typeof mappingResultShape>>();
expectNone<Missing<vendor.TransactionApplicationResponse, typeof madeTogetherShape>>();
expectNone<Missing<vendor.PropertyMappingPreview, typeof claimsShape>>();
expectNone<Missing<vendor.OAuth2ProviderSetupURLs, typeof setupUrlsShape>>();
expectNone<Missing<vendor.FlowInspection, typeof inspectionShape>>();
expectNone<Missing<vendor.LDAPCheckAccess, typeof directoryAccessShape>>();
expectNone<Missing<vendor.RadiusCheckAccess, typeof radiusAccessShape>>();
expectNone<Missing<vendor.OutpostDefaultConfig, typeof outpostDefaultsShape>>();
expectNone<Missing<vendor.OutpostHealth, typeof instanceShape>>();
expectNone<Missing<vendor.EventVolume, typeof volumeShape>>();
expectNone<Missing<vendor.EventTopPerUser, typeof topShape>>();
expectNone<Missing<vendor.EventStats, typeof statsShape>>();
expectNone<Missing<vendor.BlueprintFile, typeof blueprintFileShape>>();
expectNone<Missing<vendor.BlueprintImportResult, typeof importShape>>();
expectNone<Missing<vendor.ExtraRoleObjectPermission, typeof rightOnObjectShape>>();
expectNone<Missing<vendor.SessionUser, typeof selfShape, 'original'>>(); // impersonation only
expectNone<Missing<vendor.UserSelf, typeof selfShape.shape.user>>();
expectNone<Missing<vendor.TypeCreate, typeof kindToMakeShape, 'icon_url'>>();
expectNone<Missing<vendor.UserSetting, typeof userSettingShape, 'icon_url'>>();
expectNone<Missing<vendor.CurrentBrand, typeof currentBrandShape>>();
expectNone<Missing<vendor.PromptChallenge, typeof promptPreviewShape, 'response_errors'>>();
expectNone<Missing<vendor.LDAPOutpostConfig, typeof servedShapes.ldap>>();
expectNone<Missing<vendor.RadiusOutpostConfig, typeof servedShapes.radius>>();
expectNone<Missing<vendor.ProxyOutpostConfig, typeof servedShapes.proxy>>();
