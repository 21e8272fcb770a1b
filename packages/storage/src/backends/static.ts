// StaticBackend (files.md §3.1): packaged assets under /static/, listed from the asset manifest, never signed.
import type { Backend } from '../backend.ts';
import { isStaticPath } from '../names.ts';

export interface StaticBackendOptions {
  /** URL prefix of the installation, `/` by default. */
  readonly webPath: string;
  /** Selectable assets as `/static/…` values, in the order to list them. */
  readonly assets: readonly string[];
}

export function createStaticBackend(options: StaticBackendOptions): Backend {
  const prefix = options.webPath.replace(/\/$/, '');
  return {
    name: 'static',
    recognises: isStaticPath,
    async *list() {
      for (const name of options.assets) yield { name };
    },
    url: async (value, context) => `${context.origin ?? ''}${prefix}${value}`,
  };
}
