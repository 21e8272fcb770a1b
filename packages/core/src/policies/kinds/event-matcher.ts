// Event matcher (core.md §14.4): every criterion that is set holds for the event in the context; there must be one.
import { z } from 'zod';
import { answer, type Evaluate } from '../kind.ts';

const eventShape = z.looseObject({ context: z.record(z.string(), z.unknown()).default({}) });
const modelShape = z.looseObject({ app: z.string(), model_name: z.string() });

export const matchEvent: Evaluate = async (settings, { context }) => {
  const event = eventShape.safeParse(context['event']).data;
  if (event === undefined) return answer(false);
  const model = modelShape.safeParse(event.context['model']).data;
  const found: Readonly<Record<string, unknown>> = {
    action: event['action'],
    client_ip: event['client_ip'],
    app: event['app'],
    model: model === undefined ? undefined : `${model.app}.${model.model_name}`,
  };
  const criteria = Object.keys(found).filter((name) => settings[name] != null && settings[name] !== '');
  if (settings['query'] != null && settings['query'] !== '')
    throw new Error('Event matchers with a query cannot be evaluated.');
  return answer(criteria.length > 0 && criteria.every((name) => found[name] === settings[name]));
};
