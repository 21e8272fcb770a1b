// The compiler compares our models with the vendor's own client: whatever its requests may carry is a field of ours, and
// whatever its rows show is a field or derived. A renamed or forgotten field does not compile.
import type { Wire } from '@gatehouse/contract/rest';
import type * as vendor from '@goauthentik/api';
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

expectTrue<Same<Derived<vendor.Role, typeof roleModel>, never>>();
expectTrue<Same<Derived<vendor.Token, typeof tokenModel>, 'user_obj'>>();
expectTrue<Same<Derived<vendor.Event, typeof eventModel>, never>>();
expectTrue<Same<Derived<vendor.Task, typeof taskModel>, 'description'>>();
expectTrue<Same<Derived<vendor.Schedule, typeof scheduleModel>, 'description' | 'last_task_status'>>();
expectTrue<Same<Derived<vendor.BlueprintInstance, typeof blueprintModel>, 'managed_models'>>();
expectTrue<Same<Derived<vendor.PolicyBinding, typeof policyBindingModel>, 'policy_obj' | 'group_obj' | 'user_obj'>>();
expectTrue<Same<Derived<vendor.NotificationRule, typeof ruleModel>, 'destination_group_obj'>>();
expectTrue<Same<Derived<vendor.NotificationTransport, typeof transportModel>, 'mode_verbose'>>();
