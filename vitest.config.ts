import { defineConfig } from 'vitest/config';
import { ClosingLine } from './test/harness/closing-line.ts';

const conditions = ['source', 'node', 'module'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ['source'] } },
  test: {
    include: ['**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    reporters: ['default', new ClosingLine()],
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
