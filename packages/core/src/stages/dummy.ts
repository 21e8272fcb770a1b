// Dummy (flow-executor.md §11.8): for trying flows out.
import { flag, setting } from '../models/field.ts';
import { ok, type StageKind, stageModel } from './stage.ts';

export const dummyStage: StageKind = {
  model: stageModel({
    id: 'authentik_stages_dummy.dummystage',
    noun: 'Dummy Stage',
    path: 'dummy',
    component: 'ak-stage-dummy-form',
    fields: { throw_error: setting(flag, { initial: false }) },
  }),
  async show({ stage, settings }) {
    if (settings['throw_error'] === true) throw new Error('The dummy stage was told to fail.');
    return { step: 'show', challenge: { component: 'ak-stage-dummy', name: stage.name } };
  },
  answer: async () => ok,
};
