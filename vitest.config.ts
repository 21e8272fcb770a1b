import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/harness/closing-line.ts';

const conditions = ['source', 'node', 'module'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['source'] } },
  test: {
    include: ['**/*.test.ts'],
    globalSetup: ['./test/harness/seeds.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    reporters: ['default', new ClosingLine()],
    // Most tests wait for processes of theirs; one worker would leave half of two processors idle.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
