// User logout (flow-executor.md §11.5): the session ends, and everybody who holds it hears of it: outposts and clients from
// here, clients that want it so in the browser.
import { recordEvent } from '../events/record.ts';
import { frontchannelLogout } from '../oidc/frontchannel-logout.ts';
import { ok, type StageKind, stageModel } from './stage.ts';

export const userLogoutStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_user_logout.userlogoutstage',
    noun: 'User Logout Stage',
    path: 'user_logout',
    component: 'ak-stage-user-logout-form',
  }),
  async show({ deps, request, plan }) {
    if (request.user !== undefined)
      await recordEvent(deps, { action: 'logout', app: 'authentik.stages.user_logout', request, context: {} });
    const { session } = request;
    const inBrowser = session.stored === undefined ? undefined : await frontchannelLogout(deps, session.id);
    if (session.stored !== undefined) await deps.sessions.end([session.id]);
    if (inBrowser !== undefined) plan.stages.splice(1, 0, inBrowser);
    request.session = deps.sessions.create();
    return ok;
  },
};
