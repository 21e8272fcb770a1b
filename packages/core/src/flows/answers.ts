// Of flows, as the OpenAPI document tells it. Which fields a challenge has depends on its component: see the specification of the flow
// executor.
import { z } from 'zod';

/** What the visitor is asked. */
export const challengeShape = z.looseObject({ component: z.string() });

/** What he answers. */
export const challengeAnswerShape = z.looseObject({ component: z.string().optional() });

/** How many are in a cache. */
export const cacheShape = z.object({ count: z.int() });

/** Where something is done. */
export const linkShape = z.object({ link: z.string() });

/** What a user may set up for himself. */
export const userSettingShape = z.object({
  object_uid: z.string(),
  component: z.string(),
  title: z.string(),
  configure_url: z.string(),
});
