// Stored files, as the OpenAPI document tells of them.
import { z } from 'zod';
import { moment, pageShape, useShape } from '../api/answers.ts';
import { themedUrls } from '../models/shapes.ts';

const file = { name: z.string(), mime_type: z.string(), url: z.string(), themed_urls: themedUrls };

/** All files, or a page of them where one is asked for. */
export const filesShape = z.union([
  z.array(z.object(file)),
  pageShape(
    z.object({
      ...file,
      size: z.int().nullable(),
      modified: moment.nullable(),
      manageable: z.boolean(),
      valid_name: z.boolean(),
    }),
  ),
]);

const stored = { name: z.string(), mime_type: z.string(), size: z.int(), etag: z.string() };

/** A file as it lies in the store. */
export const storedFileShape = z.object(stored);

/** A file that was just stored. */
export const uploadedFileShape = z.object({ ...file, ...stored });

const { action: _action, ...fileOwner } = useShape.shape;

/** Files that nothing shows, and what shows files that are not there. */
export const fileReferencesShape = z.object({
  orphans: z.array(z.object({ name: z.string(), size: z.int().nullable(), modified: moment.nullable() })),
  dangling: z.array(z.object({ ...fileOwner, field: z.string(), missing: z.string() })),
});
