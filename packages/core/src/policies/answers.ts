// A decision, as the OpenAPI document tells it.
import { z } from 'zod';
import { logLineShape, names } from '../api/answers.ts';

/** What policies have decided, and said. */
export const decisionShape = z.object({
  passing: z.boolean(),
  messages: names,
  log_messages: z.array(logLineShape),
});
