// PatternFly's design tokens without the themes that these pages never switch on (felt, glass, high contrast): two thirds of
// that file, and the only users of its background pictures.
import { readFile } from 'node:fs/promises';
import type { Plugin } from 'esbuild';

const unusedTheme = /^:root:where\([^)]*pf-v6-theme-(?:felt|glass|high-contrast)[^)]*\) \{\n[\s\S]*?^\}\n/gm;

export const slimTokens: Plugin = {
  name: 'slim-tokens',
  setup({ onLoad }) {
    onLoad({ filter: /patternfly-variables\.css$/ }, async ({ path }) => ({
      loader: 'css',
      contents: (await readFile(path, 'utf8')).replace(unusedTheme, ''),
    }));
  },
};
