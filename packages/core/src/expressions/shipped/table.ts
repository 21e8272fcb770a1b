// Which twin a text has. A shipped text that is changed has none until its new digest stands here; until then, and for every text
// that an administrator edits, the interpreter runs what is written.
import { digestOf } from '../source/digest.ts';
import { readText } from '../source/kept.ts';
import type { Block } from '../source/syntax.ts';
import * as policies from './policies.ts';
import * as prompts from './prompts.ts';
import * as mappings from './scope-mappings.ts';
import type { Twin } from './twin.ts';

/** By the digest of what a text says. */
export const twins: Readonly<Record<string, Twin>> = {
  '2b2f80def70041020f6a65af22ac61426e536669701d964be29cfe8f2d59c9b7': policies.hasNoBackend,
  '121942f913db852e60c93a5fb2d11d5d0fbdefc2ae4ad8f154196b23bddaf746': policies.isNoPasskey,
  '95b53dbe938ba92c8d752104202d1693bfbd2b54eb2e0062aee18c4c66df2c43': policies.isNotSetUp,
  '3dfb1b65e61d999a934621239f449da49249b6100a11e921b60134a466e6874a': policies.prefillFirst,
  b3d75121af575ded391122fdfb86fc817f172c4db66e6024b850dd7f3a92ceed: policies.isFromSource,
  '11b41ae63338eb869ffe1490e2ba9878634d6af3daa43c3d4e25449c33d21170': policies.hasNoUsername,
  bd4217dbedd7e467806cf705d0c56807b1eb4f32d106895a896b574d5d4aea4b: policies.mayChangeSettings,
  '9a0680a33136b81126890f90f164150ca770e969f5462990baaf38ec29e90f06': prompts.username,
  '757e4fc31dd2b6679c2d6b43e6576e0b72b08e7f04654c7da3f89eddfdbd4730': prompts.name,
  '7e1ad7e663375779a4ecbbe63f9b9548e0f123a5b292e2cfbafbb64632233708': prompts.email,
  c3b87d1a41448a35245ef059d801449b7571b28e6d4fcf08e6913fb80666800b: prompts.locale,
  '797fe3768769b126dc3bee0bbbb12115e6112aa3cf6b7bff3e29f21e4662477c': mappings.nothing,
  '3ad9f1cc1b8a3c9a662bf5ae46fcb3e4ba6c34458fa167daad5f336606124a82': mappings.email,
  e182e66faab85611aa5c7b153f0d63d7877eaedf3575379853f1e76d87e4daff: mappings.profile,
  // As blueprints of authentik write it: `ak_groups` for `groups`.
  b8574967adf04de7d83229264395ef4d036f266b731558cb56d42d48aa904627: mappings.profile,
  // The same, with another name for the list.
  '4a14642df823371c791fefae673cb4015d77b8d0e54f2501375d81b5e6c89b39': mappings.entitlements,
  '1be0bdb9888ab337f7c32c4594da0101f007e90a5dc0d3d1fcc66f1ac65f231e': mappings.entitlements,
  '3e41b0ede76b6525568b7c741e67d3dc3c320bdd4b17ebe4f38a943cfeee7dd5': mappings.proxy,
};

const found = new WeakMap<Block, { readonly twin: Twin | undefined }>();

/** The twin of a text, if it has one. Cost: a look-up, once the text has been read. */
export function twinOf(text: string): Twin | undefined {
  const tree = readText(text);
  if (tree instanceof Error) return undefined;
  const known = found.get(tree) ?? { twin: lookUp(digestOf(tree)) };
  found.set(tree, known);
  return known.twin;
}

const lookUp = (digest: string) => (Object.hasOwn(twins, digest) ? twins[digest] : undefined);
