// What a stage is to the executor: it shows a challenge, takes an answer, and says what comes next.

import type { Challenge, Component, ResponseErrors } from '@gatehouse/contract/flow';
import { z } from 'zod';
import type { CoreDeps } from '../deps.ts';
import { flowSets } from '../flows/flow-sets.ts';
import type { Plan, PlannedStage } from '../flows/plan.ts';
import type { FlowRequest } from '../flows/request.ts';
import type { FlowRecord } from '../flows/stored.ts';
import type { UserRecord } from '../identity/users.ts';
import { column, type Field, line, type ModelId } from '../models/field.ts';
import { exactly } from '../models/filters.ts';
import type { Model, Row } from '../models/model.ts';

export interface PendingUser {
  readonly username: string;
  /** Absent for a name that nobody has. */
  readonly record: UserRecord | undefined;
}

export interface StageContext {
  readonly deps: CoreDeps;
  readonly request: FlowRequest;
  readonly flow: FlowRecord;
  /** Stages may write into `plan.context` and put stages in at the front of `plan.stages` behind their own. */
  readonly plan: Plan;
  readonly stage: { readonly pk: string; readonly name: string };
  readonly settings: Readonly<Record<string, unknown>>;
  pendingUser(): Promise<PendingUser | undefined>;
  /** `pending_user` and `pending_user_avatar` of challenges. */
  userInfo(): Promise<{ readonly pending_user: string; readonly pending_user_avatar: string }>;
}

/** A challenge without what the executor adds. */
export type Shown = Omit<Challenge, 'flow_info' | 'response_errors'> & { readonly component: Component };

export type Step =
  | { readonly step: 'show'; readonly challenge: Shown }
  /** The stage is shown again with these. */
  | { readonly step: 'invalid'; readonly errors: ResponseErrors }
  | { readonly step: 'ok' }
  /** The plan ends; the visitor sees why. */
  | { readonly step: 'deny'; readonly message: string | undefined }
  /** The plan ends; the visitor goes elsewhere. */
  | { readonly step: 'leave'; readonly to: string }
  /** Another flow takes over. */
  | {
      readonly step: 'continue in';
      readonly flow: string;
      readonly context: Plan['context'];
      /** Behind the stages of that flow. */
      readonly finally?: PlannedStage;
    };

export type Answer = Readonly<Record<string, unknown>>;

export interface StageKind {
  readonly model: Model;
  show(context: StageContext): Promise<Step>;
  /** Absent: every answer is treated like a look. */
  readonly answer?: (context: StageContext, answer: Answer) => Promise<Step>;
}

export const ok: Step = { step: 'ok' };
export const deny = (message?: string): Step => ({ step: 'deny', message });
export const invalid = (field: string, string: string, code = 'invalid'): Step => ({
  step: 'invalid',
  errors: { [field]: [{ string, code }] },
});

/** A text of an answer; empty when it is absent or something else. */
export function textOf(answer: Answer, name: string): string {
  const value = answer[name];
  return typeof value === 'string' ? value : '';
}

export interface StageModelOptions {
  readonly id: ModelId;
  readonly noun: string;
  readonly path: string;
  readonly component: string;
  readonly fields?: Readonly<Record<string, Field>>;
  /** Shown with every row beside its fields. */
  readonly shows?: Row;
  /** The shapes of these. */
  readonly shown?: Model['derived'];
  /** Beside those by name and key. */
  readonly filters?: Model['filters'];
  readonly permissions?: Model['permissions'];
}

export function stageModel({
  id,
  noun,
  path,
  component,
  fields = {},
  shows = {},
  shown = {},
  filters = {},
  permissions = [],
}: StageModelOptions): Model {
  return {
    id,
    noun,
    nouns: `${noun}s`,
    table: 'stages',
    kind: id,
    key: 'uuid',
    keyType: 'uuid',
    path: `/stages/${path}/`,
    component,
    fields: { name: column('name', line), ...fields },
    search: ['name'],
    order: ['name'],
    filters: { name: exactly('name'), stage_uuid: exactly('uuid'), ...filters },
    permissions,
    derived: { flow_set: z.array(z.looseObject({ pk: z.uuid(), slug: z.string() })), ...shown },
    async derive(deps, rows) {
      const sets = await flowSets(
        deps,
        rows.map((row) => String(row['uuid'])),
      );
      return rows.map((row) => ({ ...shows, flow_set: sets.get(String(row['uuid'])) ?? [] }));
    },
  };
}
