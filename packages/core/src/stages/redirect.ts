// Redirect (flow-executor.md §11.7): to a URL, or into another flow.
import { z } from 'zod';
import { flowSlug } from '../flows/default-flow.ts';
import { choice, flag, reference, setting } from '../models/field.ts';
import { InvalidInput, message } from '../models/invalid.ts';
import { deny, type StageContext, type StageKind, type Step, stageModel } from './stage.ts';

const flowScheme = 'ak-flow://';
const model = stageModel({
  id: 'authentik_stages_redirect.redirectstage',
  noun: 'Redirect Stage',
  path: 'redirect',
  component: 'ak-stage-redirect-form',
  fields: {
    mode: setting(choice('static', 'flow')),
    target_static: setting(z.string(), { initial: '' }),
    target_flow: reference({ name: 'target_flow', in: 'setting', table: 'flows', key: 'uuid' }),
    keep_context: setting(flag, { initial: true }),
  },
});

export const redirectStage: StageKind = {
  model: {
    ...model,
    async prepare(_unit, values) {
      if (values['mode'] === 'static' && (values['target_static'] ?? '') === '')
        throw new InvalidInput({ target_static: [message.blank] });
      if (values['mode'] === 'flow' && (values['target_flow'] ?? null) === null)
        throw new InvalidInput({ target_flow: [message.null] });
      return values;
    },
  },
  async show(context) {
    const { plan, settings } = context;
    const override = plan.context['redirect_stage_target'];
    if (typeof override === 'string')
      return override.startsWith(flowScheme)
        ? into(context, override.slice(flowScheme.length))
        : { step: 'leave', to: override };
    if (settings['mode'] === 'static') return { step: 'leave', to: String(settings['target_static']) };
    const slug = await flowSlug(context.deps, settings['target_flow']);
    return slug === undefined ? deny('The target flow does not exist.') : into(context, slug);
  },
};

function into({ plan, settings }: StageContext, flow: string): Step {
  return { step: 'continue in', flow, context: settings['keep_context'] === false ? {} : plan.context };
}
