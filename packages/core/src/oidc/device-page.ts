// `/device` (RFC 8628 §3.3): where people approve a device, by the flow that the brand names for it. A code in the address
// fills the field in, and still has to be confirmed there (RFC 8628 §3.3.1).
import { identifyCaller } from '../api/authentication.ts';
import { type ApiReply, type ApiRequest, queryOf } from '../api/request.ts';
import { saveSession } from '../api/session-cookies.ts';
import { brandOfHost, brandValue } from '../brands/current.ts';
import type { CoreDeps } from '../deps.ts';
import { planKey } from '../flows/plan.ts';
import { planFlow } from '../flows/planner.ts';
import { flowRequestOf } from '../flows/routes.ts';
import { flowByKey } from '../flows/stored.ts';
import { deviceCodeStage } from '../stages/device-code.ts';
import { refusalPage } from './page.ts';

export async function devicePage(deps: CoreDeps, request: ApiRequest, reply: ApiReply) {
  const key = brandValue(await brandOfHost(deps, request.headers.host ?? ''), 'flow_device_code');
  const flow = typeof key === 'string' ? await flowByKey(deps, key) : undefined;
  if (flow === undefined) return refusalPage(deps, reply, { status: 404, text: 'Devices cannot be signed in here.' });
  request.caller = await identifyCaller(deps, request, request.id);
  const code = queryOf(request).get('code');
  const query = code === null ? '' : `?${new URLSearchParams({ code })}`;
  if (request.caller.principal?.via !== 'session') {
    const next = new URLSearchParams({ next: `${deps.webPath}device${query}` });
    return reply.redirect(`${deps.webPath}flows/-/default/authentication/?${next}`, 302);
  }
  const visitor = flowRequestOf(deps, request);
  const planning = await planFlow(deps, flow, visitor);
  if (planning.kind === 'not applicable') return refusalPage(deps, reply, { status: 403, text: planning.message });
  planning.plan.stages.push(deviceCodeStage);
  visitor.session.data[planKey] = planning.plan;
  await saveSession(deps, request, reply, visitor.session);
  return reply.redirect(`${deps.webPath}if/flow/${flow.slug}/${query}`, 302);
}
