// The compiler compares our models with the vendor's own client: whatever its requests may carry is a field of ours, and
// whatever its rows show is a field or derived. A renamed or forgotten field does not compile.
import type { Wire } from '@gatehouse/contract/rest';
import type * as vendor from '@goauthentik/api';
import type { z } from 'zod';
import type * as answers from './api/answers.ts';
import type { applicationModel } from './applications/models.ts';
import type { blueprintModel } from './blueprints/models.ts';
import type { brandModel } from './brands/models.ts';
import type { certificateModel } from './crypto/models.ts';
import type { eventModel, ruleModel, transportModel } from './events/models.ts';
import type { flowModel, stageBindingModel } from './flows/models.ts';
import type { groupModel } from './identity/models/group.ts';
import type { tokenModel } from './identity/models/token.ts';
import type { userModel } from './identity/models/user.ts';
import type { Model } from './models/model.ts';
import type { outpostModel } from './outposts/models.ts';
import type { policyBindingModel } from './policies/bindings.ts';
import type {
  ldapProviderModel,
  oauthProviderModel,
  proxyProviderModel,
  radiusProviderModel,
} from './providers/models.ts';
import type { roleModel } from './rbac/models.ts';
import type { MutualTlsField } from './stages/mutual-tls/stage.ts';
import type { scheduleModel, taskModel } from './tasks/models.ts';

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

expectNone<Missing<vendor.Version, typeof answers.versionShape>>();
expectNone<Missing<vendor.VersionHistory, typeof answers.pastVersionShape>>();
expectNone<Missing<vendor.Config, typeof answers.rootConfigShape>>();
expectNone<Missing<vendor.SystemInfo, typeof answers.systemShape>>();
expectNone<Missing<vendor.App, typeof answers.labelledShape>>();
expectNone<Missing<vendor.Worker, typeof answers.workerShape>>();
expectNone<Missing<vendor.DetailedCountry, typeof answers.countryShape>>();
expectNone<Missing<vendor.UsedBy, typeof answers.useShape>>();
expectNone<Missing<vendor.Cache, typeof answers.cacheShape>>();
expectNone<Missing<vendor.Link, typeof answers.linkShape>>();
expectNone<Missing<vendor.UserServiceAccountResponse, typeof answers.serviceAccountShape>>();
expectNone<Missing<vendor.UserPath, typeof answers.pathsShape>>();
expectNone<Missing<vendor.Device, typeof answers.deviceShape>>();
expectNone<Missing<vendor.Permission, typeof answers.rightShape>>();
expectNone<Missing<vendor.RoleAssignedObjectPermission, typeof answers.roleWithRightsShape>>();
expectNone<Missing<vendor.PermissionAssignResult, typeof answers.assignedShape>>();
expectNone<Missing<vendor.PolicyTestResult, typeof answers.decisionShape>>();
expectNone<Missing<vendor.PropertyMappingTestResult, typeof answers.mappingResultShape>>();
expectNone<Missing<vendor.TransactionApplicationResponse, typeof answers.madeTogetherShape>>();
expectNone<Missing<vendor.PropertyMappingPreview, typeof answers.claimsShape>>();
expectNone<Missing<vendor.OAuth2ProviderSetupURLs, typeof answers.setupUrlsShape>>();
expectNone<Missing<vendor.FlowInspection, typeof answers.inspectionShape>>();
expectNone<Missing<vendor.LDAPCheckAccess, typeof answers.directoryAccessShape>>();
expectNone<Missing<vendor.RadiusCheckAccess, typeof answers.radiusAccessShape>>();
expectNone<Missing<vendor.OutpostDefaultConfig, typeof answers.outpostDefaultsShape>>();
expectNone<Missing<vendor.OutpostHealth, typeof answers.instanceShape>>();
expectNone<Missing<vendor.EventVolume, typeof answers.volumeShape>>();
expectNone<Missing<vendor.EventTopPerUser, typeof answers.topShape>>();
expectNone<Missing<vendor.EventStats, typeof answers.statsShape>>();
expectNone<Missing<vendor.BlueprintFile, typeof answers.blueprintFileShape>>();
expectNone<Missing<vendor.BlueprintImportResult, typeof answers.importShape>>();
expectNone<Missing<vendor.ExtraRoleObjectPermission, typeof answers.rightOnObjectShape>>();
expectNone<Missing<vendor.SessionUser, typeof answers.selfShape, 'original'>>(); // impersonation only
expectNone<Missing<vendor.UserSelf, typeof answers.selfShape.shape.user>>();
expectNone<Missing<vendor.TypeCreate, typeof answers.kindToMakeShape, 'icon_url'>>();
expectNone<Missing<vendor.UserSetting, typeof answers.userSettingShape, 'icon_url'>>();
expectNone<Missing<vendor.CurrentBrand, typeof answers.currentBrandShape>>();
expectNone<Missing<vendor.PromptChallenge, typeof answers.promptPreviewShape, 'response_errors'>>();
expectNone<Missing<vendor.LDAPOutpostConfig, typeof answers.servedShapes.ldap>>();
expectNone<Missing<vendor.RadiusOutpostConfig, typeof answers.servedShapes.radius>>();
expectNone<Missing<vendor.ProxyOutpostConfig, typeof answers.servedShapes.proxy>>();
