// What a kind of policy is: a function of its settings and the question (core.md §14.1).
import type { CoreDeps } from '../deps.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { UserRecord } from '../identity/users.ts';

export interface PolicyQuestion {
  readonly deps: CoreDeps;
  /** Absent for a visitor that is nobody. */
  readonly user: UserRecord | undefined;
  readonly request: FlowRequest | undefined;
  /** Plan context, and whatever the target adds. Expressions may change what is in it. */
  readonly context: Record<string, unknown>;
  /** Asks another policy by its name, with this added to the context. @throws Error if there is none */
  readonly callPolicy: (name: string, context: Record<string, unknown>) => Promise<PolicyAnswer>;
  /** Aborted at the binding's deadline. */
  readonly signal: AbortSignal;
}
export interface PolicyAnswer {
  readonly passing: boolean;
  readonly messages: readonly string[];
  /** What the expression gave, where one was run. */
  readonly rawResult?: unknown;
}
export type Settings = Readonly<Record<string, unknown>>;
/** Throws when it cannot tell: the binding's failure result then decides. */
export type Evaluate = (settings: Settings, question: PolicyQuestion) => Promise<PolicyAnswer>;

export const answer = (passing: boolean, ...messages: string[]): PolicyAnswer => ({ passing, messages });
