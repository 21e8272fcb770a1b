// What the executor hands to a stage.
import type { CoreDeps } from '../deps.ts';
import { avatarOf } from '../identity/users.ts';
import { fieldValue } from '../models/represent.ts';
import type { PendingUser, StageContext, StageKind } from '../stages/stage.ts';
import { findPending } from './pending.ts';
import { type Plan, pendingUserOf } from './plan.ts';
import type { FlowRequest } from './request.ts';
import type { FlowRecord } from './stored.ts';

export const fallbackAvatar = '/static/dist/assets/images/user_default.png';

interface Parts {
  readonly deps: CoreDeps;
  readonly flow: FlowRecord;
  readonly request: FlowRequest;
  readonly plan: Plan;
  readonly kind: StageKind;
  readonly stored: {
    readonly uuid: string;
    readonly name: string;
    readonly settings: Readonly<Record<string, unknown>>;
  };
}

export function createStageContext({ deps, flow, request, plan, kind, stored }: Parts): StageContext {
  const settings = Object.fromEntries(
    Object.keys(kind.model.fields).map((name) => [name, fieldValue(kind.model, stored, name)]),
  );
  const readPendingUser = async (): Promise<PendingUser | undefined> => {
    const reference = pendingUserOf(plan.context);
    if (reference === undefined)
      return request.user === undefined ? undefined : { username: request.user.username, record: request.user };
    if ('username' in reference) return { username: reference.username, record: undefined };
    const record = await findPending(deps, request, reference.pk);
    return record === undefined ? undefined : { username: record.username, record };
  };
  /** Read once in a step: whoever writes to the user goes on with what he wrote. */
  let read: { readonly who: unknown; readonly user: Promise<PendingUser | undefined> } | undefined;
  const pendingUser = () => {
    const who = plan.context['pending_user'];
    if (read === undefined || read.who !== who) read = { who, user: readPendingUser() };
    return read.user;
  };
  return {
    deps,
    flow,
    request,
    plan,
    stage: { pk: stored.uuid, name: stored.name },
    settings,
    pendingUser,
    async userInfo() {
      const user = await pendingUser();
      const typed = plan.context['pending_user_identifier'];
      return {
        pending_user: typeof typed === 'string' ? typed : (user?.username ?? ''),
        pending_user_avatar: user?.record === undefined ? await deps.files.url(fallbackAvatar) : avatarOf(user.record),
      };
    },
  };
}
