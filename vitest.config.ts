import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/harness/closing-line.ts';

const conditions = ['source', 'node', 'module'];
const exclude = ['**/node_modules/**', '**/dist/**'];
/** They import the whole core, which takes longer than most of them: one process after another reads its libraries once. */
const ofTheCore = [
  'packages/core/**/*.test.ts',
  'test/conformance/core/*.test.ts',
  'test/conformance/core-contract/*.test.ts',
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['source'] } },
  test: {
    globalSetup: ['./test/harness/seeds.ts'],
    reporters: ['default', new ClosingLine()],
    // Most tests wait for processes of theirs; one worker would leave half of two processors idle.
    maxWorkers: 2,
    testTimeout: 30_000,
    // Thousands of tests drive real processes and browsers on two processors. One that passes only when asked again is told
    // of by the closing lines, with what it said first. A property is not asked again: it would be of other values.
    retry: process.env['CI'] === undefined ? 0 : { count: 1, condition: /^(?!Property failed)/ },
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'core', include: ofTheCore, exclude, isolate: false } },
      { extends: true, test: { name: 'others', include: ['**/*.test.ts'], exclude: [...exclude, ...ofTheCore] } },
    ],
  },
});
