// Rights, and who holds them, as the OpenAPI document tells it.
import { z } from 'zod';

/** A right that can be given. */
export const rightShape = z.object({
  id: z.int(),
  name: z.string(),
  codename: z.string(),
  model: z.string(),
  app_label: z.string(),
  app_label_verbose: z.string(),
  model_verbose: z.string(),
});

const heldRight = z.object({
  id: z.int(),
  codename: z.string(),
  model: z.string(),
  app_label: z.string(),
  name: z.string(),
});

/** A right of a role on one object. */
export const rightOnObjectShape = z.object({
  ...heldRight.shape,
  object_pk: z.string(),
  app_label_verbose: z.string(),
  model_verbose: z.string(),
  object_description: z.string(),
});

/** A role with the rights it has on a kind of object. */
export const roleWithRightsShape = z.object({
  role_pk: z.string(),
  name: z.string(),
  model_permissions: z.array(heldRight),
  object_permissions: z.array(heldRight.extend({ object_pk: z.string() })),
});

/** What giving a right answers. */
export const assignedShape = z.object({ id: z.string() });
