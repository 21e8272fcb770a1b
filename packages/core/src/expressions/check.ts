// What is checked of an expression before it is stored (core.md §16.2): text that is not the language is refused. Text that
// is, but uses parts that are not run here, is refused by the API unless the caller says `?allow_unsupported=true`, and stored
// from blueprints; it fails each time.
import { recordEvent } from '../events/record.ts';
import { invalidField } from '../models/invalid.ts';
import type { Model } from '../models/model.ts';
import { expressionProblem } from './evaluate.ts';

export const checkExpression: NonNullable<Model['prepare']> = async (unit, values, existing, source) => {
  const text = values['expression'];
  const problem = typeof text === 'string' ? expressionProblem(text) : undefined;
  if (problem === undefined) return values;
  const isAllowed = source === 'blueprint' || unit.author.request?.args['allow_unsupported'] === 'true';
  if (problem.kind === 'syntax' || !isAllowed) throw invalidField('expression', problem.text);
  const name = String(values['name'] ?? existing?.['name'] ?? '');
  unit.deps.log.warn('expression cannot be run', { reason: name, error: problem.text });
  unit.afterwards.push(async () => {
    await recordEvent(unit.deps, {
      action: 'configuration_error',
      app: source === 'blueprint' ? 'authentik.blueprints' : 'authentik.core',
      context: { message: `The expression of ${name} cannot be run: ${problem.text}` },
    });
  });
  return values;
};
