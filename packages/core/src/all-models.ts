// Every model of this build.
import { applicationModel } from './applications/models.ts';
import { brandModel } from './brands/models.ts';
import { certificateModel } from './crypto/models.ts';
import { eventModel } from './events/routes.ts';
import { flowModel, stageBindingModel } from './flows/models.ts';
import { groupModel } from './identity/models/group.ts';
import { tokenModel } from './identity/models/token.ts';
import { userModel } from './identity/models/user.ts';
import { createRegistry } from './models/registry.ts';
import { outpostModel } from './outposts/models.ts';
import { policyBindingModel, policyModels } from './policies/models.ts';
import { providerModels } from './providers/models.ts';
import { stageModels } from './stages/kinds.ts';
import { promptModel } from './stages/prompt/prompt.ts';

export const registry = createRegistry([
  applicationModel,
  brandModel,
  certificateModel,
  eventModel,
  flowModel,
  groupModel,
  outpostModel,
  policyBindingModel,
  ...policyModels,
  promptModel,
  ...providerModels,
  stageBindingModel,
  ...stageModels,
  tokenModel,
  userModel,
]);
