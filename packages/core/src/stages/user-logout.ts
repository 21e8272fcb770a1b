// User logout (flow-executor.md §11.5): the session ends, and everybody who holds it hears of it.
import { recordEvent } from '../events/record.ts';
import { ok, type StageKind, stageModel } from './stage.ts';

export const userLogoutStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_user_logout.userlogoutstage',
    noun: 'User Logout Stage',
    path: 'user_logout',
    component: 'ak-stage-user-logout-form',
  }),
  async show({ deps, request }) {
    if (request.user !== undefined)
      await recordEvent(deps, { action: 'logout', app: 'authentik.stages.user_logout', request, context: {} });
    const { session } = request;
    if (session.stored !== undefined) await deps.sessions.end([session.id]);
    request.session = deps.sessions.create();
    return ok;
  },
};
