// Routes of users, groups and tokens (core.md §11.2).
import { registerModelRoutes } from '../api/crud.ts';
import type { Api } from '../api/server.ts';
import type { CoreDeps } from '../deps.ts';
import { registerAccountRoutes } from './accounts.ts';
import { registerMembershipRoutes } from './memberships.ts';
import { groupModel } from './models/group.ts';
import { userModel } from './models/user.ts';
import { registerSelfRoute } from './self.ts';
import { registerTokenRoutes } from './token-routes.ts';

export function registerIdentityRoutes(api: Api, deps: CoreDeps): void {
  registerSelfRoute(api, deps);
  registerAccountRoutes(api, deps);
  registerModelRoutes(api, deps, userModel);
  registerMembershipRoutes(api, deps);
  registerModelRoutes(api, deps, groupModel);
  registerTokenRoutes(api, deps);
}
