// Expression policy (core.md §16.1).

import { expressionOf } from '../expressions.ts';
import type { Evaluate } from '../kind.ts';

export const runExpressionPolicy: Evaluate = async ({ expression }, question) =>
  expressionOf(String(expression))(question);
