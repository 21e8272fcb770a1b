// Every model of this build.
import { consentModel } from './applications/consents.ts';
import { entitlementModel } from './applications/entitlements.ts';
import { applicationModel } from './applications/models.ts';
import { blueprintModel } from './blueprints/models.ts';
import { brandModel } from './brands/models.ts';
import { certificateModel } from './crypto/models.ts';
import { deviceModels } from './devices/models.ts';
import { eventModel, ruleModel, transportModel } from './events/models.ts';
import { notificationModel } from './events/notifications/models.ts';
import { flowModel, stageBindingModel } from './flows/models.ts';
import { groupModel } from './identity/models/group.ts';
import { tokenModel } from './identity/models/token.ts';
import { userModel } from './identity/models/user.ts';
import { mappingModels } from './mappings/models.ts';
import { createRegistry } from './models/registry.ts';
import { outpostModel } from './outposts/models.ts';
import { policyBindingModel } from './policies/bindings.ts';
import { policyModels, reputationModel } from './policies/models.ts';
import { providerModels } from './providers/models.ts';
import { initialPermissionsModel } from './rbac/initial-permissions.ts';
import { roleModel } from './rbac/models.ts';
import { sessionModel } from './sessions/routes.ts';
import { stageModels } from './stages/kinds.ts';
import { promptModel } from './stages/prompt/prompt.ts';
import { scheduleModel, taskModel } from './tasks/models.ts';

export const registry = createRegistry([
  applicationModel,
  consentModel,
  entitlementModel,
  initialPermissionsModel,
  blueprintModel,
  brandModel,
  certificateModel,
  ...deviceModels,
  eventModel,
  notificationModel,
  flowModel,
  groupModel,
  ...mappingModels,
  outpostModel,
  policyBindingModel,
  ...policyModels,
  promptModel,
  reputationModel,
  ...providerModels,
  roleModel,
  ruleModel,
  scheduleModel,
  sessionModel,
  stageBindingModel,
  ...stageModels,
  taskModel,
  tokenModel,
  transportModel,
  userModel,
]);
