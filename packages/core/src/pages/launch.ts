// `/application/launch/<slug>/` (core.md §1.5): straight to an application; whoever is not signed in signs in first, and sees
// what for.
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, keyParameter } from '../api/request.ts';
import { saveSession } from '../api/session-cookies.ts';
import { applicationModel } from '../applications/models.ts';
import type { CoreDeps } from '../deps.ts';
import { defaultFlow } from '../flows/default-flow.ts';
import { keepPlan, planNameFor, readPlan } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import { flowRequestOf } from '../flows/routes.ts';
import type { FlowRecord } from '../flows/stored.ts';
import type { UserRecord } from '../identity/users.ts';
import type { Row } from '../models/model.ts';
import { represent } from '../models/represent.ts';
import { findRow } from '../models/store.ts';
import { messagePage } from './message.ts';

export async function launch(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const slug = keyParameter(request);
  const row = await findRow(deps.database.kysely, applicationModel, 'slug', slug);
  const [shown = {}] = row === undefined ? [] : await represent(deps, applicationModel, [row], new URLSearchParams());
  const target = shown['launch_url'];
  if (row === undefined || typeof target !== 'string' || target === '' || target === 'blank://blank')
    return messagePage(deps, reply, {
      status: 404,
      title: 'Nothing to open',
      text: 'There is no such application, or it has no address to open.',
    });
  request.caller = await identifyCaller(deps, request, request.id);
  const { principal } = request.caller;
  if (principal?.via === 'session') return reply.redirect(launchUrlFor(target, principal.user), 302);
  return signInFirst(deps, request, reply, row);
}

/** The provider's own flow, else the default one; its end leads back here, now with somebody to fill placeholders with. */
async function signInFirst(deps: CoreDeps, request: ApiRequest, reply: ApiReply, application: Row) {
  const visitor = flowRequestOf(deps, request);
  const flow =
    (await providerFlow(deps, application['provider'])) ?? (await defaultFlow(deps, visitor, 'authentication'));
  if (flow === undefined) return nobodyCanSignIn(deps, reply);
  const next = `${deps.webPath}application/launch/${String(application['slug'])}/`;
  const { data } = visitor.session;
  const name = planNameFor(next);
  // Another tab stands in this very login: a new plan would throw it back to the start.
  if (readPlan(data, name)?.flow !== flow.uuid) {
    const planning = await planFlow(deps, flow, visitor, {
      application: { pk: application['pbm_uuid'], name: application['name'], slug: application['slug'] },
      redirect: next,
    });
    if (planning.kind !== 'planned') return nobodyCanSignIn(deps, reply);
    keepPlan(data, name, planning.plan);
    await saveSession(deps, request, reply, visitor.session);
  }
  return reply.redirect(`${deps.webPath}if/flow/${flow.slug}/?${new URLSearchParams({ next })}`, 302);
}

function nobodyCanSignIn(deps: CoreDeps, reply: ApiReply) {
  return messagePage(deps, reply, { status: 403, title: 'Request denied', text: 'Nobody can sign in here now.' });
}

async function providerFlow({ database }: CoreDeps, provider: unknown): Promise<FlowRecord | undefined> {
  if (provider === null || provider === undefined) return undefined;
  return database.kysely
    .selectFrom('flows')
    .innerJoin('providers', 'providers.authentication_flow', 'flows.uuid')
    .selectAll('flows')
    .where('providers.id', '=', Number(provider))
    .executeTakeFirst();
}

/** `%(username)s` and the like are filled from the user (core.md §4.1); unknown ones are left empty. */
export function launchUrlFor(target: string, user: Pick<UserRecord, 'id' | 'username' | 'name' | 'email'>): string {
  const values: Readonly<Record<string, string>> = {
    pk: String(user.id),
    username: user.username,
    name: user.name,
    email: user.email,
  };
  return target.replaceAll(/%\((\w+)\)s/g, (_, name: string) => encodeURIComponent(values[name] ?? ''));
}
