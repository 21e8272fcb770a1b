// Recipes are Markdown pages that people copy from and tests run: a code block with a file name is that file, one marked `run`
// is a script, one marked `requests` is what a client sends and gets (requests.ts).
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = join(import.meta.dirname, '../../../ldap/docs/clients');

export interface Recipe {
  /** Content by the name that the block gives. @throws when there is no such block */
  file(name: string): string;
  /** Scripts in order. */
  readonly scripts: readonly string[];
  /** All requests, line by line. */
  readonly requests: readonly string[];
}

/** @param values example values of the pages, and what stands for them here */
export function readRecipe(name: string, values: readonly (readonly [string, string])[]): Recipe {
  let text = readFileSync(join(folder, `${name}.md`), 'utf8');
  for (const [example, own] of values) text = text.replaceAll(example, own);
  const blocks = [...text.matchAll(/^```(\w+) (\S+)\n([\s\S]*?)^```$/gm)].map(([, , label = '', content = '']) => ({
    label,
    content,
  }));
  const labelled = (label: string) => blocks.flatMap((block) => (block.label === label ? [block.content] : []));
  return {
    file(wanted) {
      const [content] = labelled(wanted);
      if (content === undefined) throw new Error(`${name}.md has no block ${wanted}`);
      return content;
    },
    scripts: labelled('run'),
    requests: labelled('requests')
      .join('\n')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && !line.startsWith('#')),
  };
}
