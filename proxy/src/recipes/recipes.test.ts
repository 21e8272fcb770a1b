import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { exampleSite, type RecipeName, recipes } from './recipe.ts';

/** Name of the printed file; set UPDATE_DOCS=1 to write them anew. */
const files: Readonly<Record<RecipeName, string>> = {
  apache: 'apache.conf',
  caddy: 'Caddyfile',
  envoy: 'envoy-filters.yaml',
  haproxy: 'haproxy.cfg',
  'haproxy-lua': 'ak-auth.lua',
  nginx: 'nginx.conf',
  traefik: 'traefik.yaml',
};

for (const [name, make] of Object.entries(recipes)) {
  test(`§14: the printed recipe for ${name} is the one that is tested`, () => {
    const file = Object.entries(files).find(([one]) => one === name)?.[1] ?? name;
    const path = join(import.meta.dirname, '../../docs/reverse-proxies', file);
    const text = make(exampleSite);
    if (process.env['UPDATE_DOCS'] === '1') writeFileSync(path, text);
    expect(readFileSync(path, 'utf8')).toBe(text);
  });
}
