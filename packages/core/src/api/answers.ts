// What the answers of several rooms are made of, for the OpenAPI document. The shapes of a room's own operations are in it, in its
// `answers.ts` where there are several; `shapes.type-test.ts` compares them with the vendor's own client, `vendor.test.ts` and
// `vendor-client.test.ts` with what is really answered.
import { z } from 'zod';

/** Texts in a list. */
export const names = z.array(z.string());

/** An object of whatever fields. */
export const anything = z.record(z.string(), z.unknown());

/** RFC 3339, with the offset. */
export const moment = z.iso.datetime({ offset: true });

/** What is told of an object elsewhere. */
export const named = z.object({ pk: z.string(), name: z.string() });

/** A line that was logged while the answer was made. */
export const logLineShape = z.object({
  timestamp: moment,
  log_level: z.string(),
  logger: z.string(),
  event: z.string(),
  attributes: anything,
});

/** The envelope of lists around rows of this shape (api/pagination.ts). */
export const pageShape = <Row extends z.ZodType>(row: Row) =>
  z.object({
    pagination: z.object({
      next: z.int(),
      previous: z.int(),
      count: z.int(),
      current: z.int(),
      total_pages: z.int(),
      start_index: z.int(),
      end_index: z.int(),
    }),
    results: z.array(row),
    autocomplete: anything,
  });

/** A kind of object that can be made. */
export const kindToMakeShape = z.object({
  name: z.string(),
  description: z.string(),
  component: z.string(),
  model_name: z.string(),
  requires_enterprise: z.boolean().optional(),
  deprecated: z.boolean().optional(),
});

/** An object that uses another. */
export const useShape = z.object({
  app: z.string(),
  model_name: z.string(),
  pk: z.string(),
  name: z.string(),
  action: z.string(),
});
