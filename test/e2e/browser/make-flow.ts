// Makes flows by the REST API, as an administrator's script would.
import type { Site } from './site.ts';

interface Made {
  readonly pk: string;
}

export interface FlowPlan {
  readonly slug: string;
  readonly title?: string;
  readonly designation?: string;
  /** Kind as in `/stages/<kind>/`, and the stage's own fields. */
  readonly stages: readonly (readonly [kind: string, fields?: object])[];
}

/** @returns the path of its page */
export async function makeFlow(site: Site, { slug, title = slug, designation = 'enrollment', stages }: FlowPlan) {
  const post = (path: string, body: object) => site.core.call<Made>('POST', path, body);
  const flow = await post('/flows/instances/', { name: title, slug, title, designation });
  for (const [order, [kind, fields = {}]] of stages.entries()) {
    const stage = await post(`/stages/${kind}/`, { name: `${slug}-${order}`, ...fields });
    await post('/flows/bindings/', { target: flow.pk, stage: stage.pk, order });
  }
  return `/if/flow/${slug}/`;
}

/** Prompts of a prompt stage. @returns their keys */
export async function makePrompts(
  site: Site,
  prompts: readonly (readonly [type: string, key: string, label: string])[],
) {
  const keys: string[] = [];
  for (const [order, [type, key, label]] of prompts.entries()) {
    const prompt = { name: `${key}-${type}-${order}`, field_key: key, label, type, order, required: true };
    keys.push((await site.core.call<Made>('POST', '/stages/prompt/prompts/', prompt)).pk);
  }
  return keys;
}
