// PassthroughBackend (files.md §3.2): external URLs and icon classes are their own URL.
import type { Backend } from '../backend.ts';
import { isExternalUrl, isIconClass } from '../names.ts';

export function createPassthroughBackend(): Backend {
  return {
    name: 'passthrough',
    recognises: (value) => isExternalUrl(value) || isIconClass(value),
    async *list() {},
    url: async (value) => value,
  };
}
