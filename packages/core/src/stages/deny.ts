// Deny (flow-executor.md §11.6).
import { setting, text } from '../models/field.ts';
import { deny, type StageKind, stageModel } from './stage.ts';

export const denyStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_deny.denystage',
    noun: 'Deny Stage',
    path: 'deny',
    component: 'ak-stage-deny-form',
    fields: { deny_message: setting(text, { initial: '' }) },
  }),
  async show({ plan, settings }) {
    const given = plan.context['deny_message'];
    if (typeof given === 'string' && given !== '') return deny(given);
    return deny(settings['deny_message'] === '' ? 'Unknown error' : String(settings['deny_message']));
  },
};
