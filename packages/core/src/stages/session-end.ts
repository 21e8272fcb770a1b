// The end of a single logout (core.md §17.7): back to the application, out of everything, or stay. Put in by code only.

import { z } from 'zod';
import { brandOfHost, brandTitle, brandValue } from '../brands/current.ts';
import { flowSlug } from '../flows/default-flow.ts';
import { ok, type StageKind, stageModel } from './stage.ts';

export const sessionEndKind = 'authentik_flows.sessionendstage';

const application = z.object({ pk: z.string(), name: z.string() });

export const sessionEndStage: StageKind = {
  model: stageModel({ id: sessionEndKind, noun: 'Session End Stage', path: 'session_end', component: '' }),
  async show(context) {
    const { deps, plan, request } = context;
    const brand = await brandOfHost(deps, request.host);
    const left = application.safeParse(plan.context['application']).data;
    const slug = await flowSlug(deps, brandValue(brand, 'flow_invalidation'));
    const launch = left === undefined ? undefined : await launchUrl(context, left.pk);
    return {
      step: 'show',
      challenge: {
        component: 'ak-stage-session-end',
        ...(await context.userInfo()),
        brand_name: brandTitle(brand),
        ...(left === undefined ? {} : { application_name: left.name }),
        ...(launch === undefined ? {} : { application_launch_url: launch }),
        ...(slug === undefined ? {} : { invalidation_flow_url: `${deps.webPath}if/flow/${slug}/` }),
      },
    };
  },
  answer: async () => ok,
};

async function launchUrl({ deps }: Parameters<StageKind['show']>[0], pk: string): Promise<string | undefined> {
  const row = await deps.database.kysely
    .selectFrom('applications')
    .leftJoin('providers', 'providers.id', 'applications.provider')
    .select(['applications.settings', 'providers.settings as provider'])
    .where('applications.pbm_uuid', '=', pk)
    .executeTakeFirst();
  const own = row?.settings['meta_launch_url'];
  if (typeof own === 'string' && own !== '') return own;
  const host = row?.provider?.['external_host'];
  if (typeof host === 'string' && host !== '') return host;
  const uris = z.array(z.object({ url: z.string() })).safeParse(row?.provider?.['redirect_uris']).data ?? [];
  const [first] = uris.filter(({ url }) => URL.canParse(url));
  return first === undefined ? undefined : new URL(first.url).origin;
}
