// Shapes that several models show of each other, for the OpenAPI document.
import { z } from 'zod';

/** A user among the members of a group, or as the owner of something. */
export const userShape = z.looseObject({
  pk: z.int(),
  username: z.string(),
  name: z.string(),
  is_active: z.boolean(),
  last_login: z.iso.datetime().nullable(),
  email: z.string(),
  attributes: z.looseObject({}),
  uid: z.string(),
});

/** A group as its relatives and members show it. */
export const groupShape = z.looseObject({
  pk: z.uuid(),
  name: z.string(),
  is_superuser: z.boolean(),
  attributes: z.looseObject({}),
});

export const roleShape = z.looseObject({ pk: z.uuid(), name: z.string() });

/** What every kind of a shared table tells of itself. */
export const kindShape = {
  component: z.string(),
  verbose_name: z.string(),
  verbose_name_plural: z.string(),
  meta_model_name: z.string(),
};

/** An object of some kind, cut down or whole. */
export const kindOfShape = z.looseObject({ name: z.string(), ...kindShape });

/** URLs of a stored file that has a form per colour scheme. */
export const themedUrls = z.record(z.string(), z.string()).nullable();
