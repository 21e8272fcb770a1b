// Beside a flow, for whoever builds flows (`?inspector` in the address): what the core plans, what it knows so far, and the
// plan before each stage that was passed (flow-executor.md §13). Loaded only where it is asked for.
import { html, LitElement, nothing, type TemplateResult } from 'lit';
import { type Api, ApiProblem } from '../call/api.ts';
import { spinner } from '../elements/button.ts';
import { icon } from '../elements/icon.ts';
import { notice } from '../elements/notice.ts';

interface PlannedStage {
  readonly order: number;
  readonly evaluate_on_plan: boolean;
  readonly re_evaluate_policies: boolean;
  readonly stage_obj: { readonly name: string; readonly verbose_name: string };
}

interface InspectedPlan {
  readonly current_stage: PlannedStage | null;
  readonly next_planned_stage: PlannedStage | null;
  readonly plan_context: Readonly<Record<string, unknown>>;
  readonly session_id: string;
}

interface Inspection {
  readonly plans: readonly InspectedPlan[];
  readonly current_plan: InspectedPlan;
  readonly is_completed: boolean;
}

export class FlowInspector extends LitElement {
  static override properties = { inspection: { state: true }, problem: { state: true } };
  declare api: Api;
  declare slug: string;
  declare inspection: Inspection | undefined;
  declare problem: string | undefined;

  protected override createRenderRoot(): this {
    return this;
  }

  /** Asks anew; called with each challenge that the flow page receives. */
  async refresh(): Promise<void> {
    try {
      this.inspection = await this.api.get<Inspection>(`/flows/inspector/${encodeURIComponent(this.slug)}/`);
      this.problem = undefined;
    } catch (error) {
      this.inspection = undefined;
      this.problem = problemText(error);
    }
  }

  override render(): TemplateResult {
    return html`<header class="gh-inspector__head">
        <h2 class="pf-v6-c-title pf-m-lg">Flow inspector</h2>
        <a class="gh-inspector__close" href=${withoutInspector(location.href)} title="Close the inspector"
          >${icon('cross')}<span class="pf-v6-screen-reader">Close the inspector</span></a
        >
      </header>
      ${this.#body()}`;
  }

  #body(): TemplateResult {
    if (this.problem !== undefined) return notice('info', this.problem);
    if (this.inspection === undefined) return html`<div class="gh-waiting">${spinner('Loading', 'xl')}</div>`;
    const { plans, current_plan: plan, is_completed: completed } = this.inspection;
    return html`<div role="status"><dl class="gh-inspector__now">
        <div>
          <dt>Current stage</dt>
          <dd>${completed ? 'The flow is complete.' : stage(plan.current_stage)}</dd>
        </div>
        <div>
          <dt>Next stage</dt>
          <dd>${completed ? 'None' : stage(plan.next_planned_stage, 'The flow ends after this stage.')}</dd>
        </div>
      </dl></div>
      <h3 class="pf-v6-c-title pf-m-md">Plan context</h3>
      ${context('Plan context', plan.plan_context)}
      <h3 class="pf-v6-c-title pf-m-md">History</h3>
      ${plans.length === 0 ? html`<p class="gh-quiet">No stage has been passed.</p>` : history(plans)}
      <p class="gh-quiet">Session <code>${plan.session_id}</code></p>`;
  }
}

function stage(planned: PlannedStage | null, none = 'A stage that the core put in by itself.'): TemplateResult {
  if (planned === null) return html`<span class="gh-quiet">${none}</span>`;
  const { order, stage_obj, evaluate_on_plan: atPlan, re_evaluate_policies: again } = planned;
  const asked = [...(atPlan ? ['when the flow is planned'] : []), ...(again ? ['when the stage is reached'] : [])];
  return html`<strong>${stage_obj.name}</strong
    ><span class="gh-quiet">${stage_obj.verbose_name}, order ${order}</span
    >${asked.length === 0 ? nothing : html`<span class="gh-quiet">policies are asked ${asked.join(' and ')}</span>`}`;
}

function history(plans: readonly InspectedPlan[]): TemplateResult {
  return html`<ol class="gh-inspector__history">
    ${plans.map((plan) => {
      const name = plan.current_stage?.stage_obj.name ?? 'a stage of the core';
      return html`<li>
        <details>
          <summary>${name}</summary>
          ${context(`Plan context at ${name}`, plan.plan_context)}
        </details>
      </li>`;
    })}
  </ol>`;
}

function context(label: string, values: InspectedPlan['plan_context']): TemplateResult {
  return html`<pre class="gh-inspector__context" tabindex="0" role="region" aria-label=${label}>${JSON.stringify(values, null, 2)}</pre>`;
}

function problemText(error: unknown): string {
  if (!(error instanceof ApiProblem)) return String(error);
  if (error.status === 404) return 'This flow is not yours to inspect. Sign in as somebody who may, then come back.';
  if (error.status === 400) return 'There is no plan yet.';
  return error.message;
}

function withoutInspector(href: string): string {
  const url = new URL(href);
  url.searchParams.delete('inspector');
  return url.href;
}
